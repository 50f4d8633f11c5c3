// pm2: `pm2 start ecosystem.config.cjs`. Settings come from the environment or `.env`, not from here.
// Reload without dropping the port: `pm2 sendSignal SIGUSR2 parley` (`pm2 reload` is a restart).
module.exports = {
  apps: [
    {
      name: 'parley',
      script: 'dist/main.js',
      // Parley starts its own processes, one gateway for each core; pm2 watches the primary alone.
      exec_mode: 'fork',
      instances: 1,
      // The primary says "ready" when everything serves.
      wait_ready: true,
      listen_timeout: 70_000,
      // Only the primary is signalled; it lets the others finish in order.
      treekill: false,
      // Longer than the longest usual stop: the drain (10 s) and the writer's checkpoint. Raise it with PARLEY_DRAIN_MS.
      kill_timeout: 30_000,
    },
  ],
}
