// pm2: `pm2 start ecosystem.config.cjs`. Settings come from `.env` beside this file, not from here.
// Reload without dropping the port: `pm2 sendSignal SIGUSR2 parley` (`pm2 reload` is a restart).
const { existsSync, readFileSync } = require('node:fs')
const path = require('node:path')
const { parseEnv } = require('node:util')

/** `PARLEY_DRAIN_MS` as Parley will see it: the environment, else `.env`, else its default. */
function drainMs() {
  const file = path.join(__dirname, '.env')
  const dotEnv = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  const set = { ...dotEnv, ...process.env }.PARLEY_DRAIN_MS?.trim()
  // What is no number, Parley refuses with a message.
  return set === undefined || set === '' || Number.isNaN(Number(set)) ? 10_000 : Number(set)
}

module.exports = {
  apps: [
    {
      name: 'parley',
      script: 'dist/main.js',
      // `.env` and `./data` are here, wherever pm2 is called.
      cwd: __dirname,
      // Parley starts its own processes, one gateway for each core; pm2 watches the primary alone.
      exec_mode: 'fork',
      instances: 1,
      // Not in our process: pm2's monitoring code survives what must end a broken program.
      pmx: false,
      // The primary says "ready" when everything serves; it gives a process 60 s to get there.
      wait_ready: true,
      listen_timeout: 70_000,
      // Only the primary is signalled; it lets the others finish in order.
      treekill: false,
      // The longest stop: agent hosts have the drain and 10 s, then the writer the drain and 10 s for its checkpoint.
      kill_timeout: 2 * drainMs() + 25_000,
      // Try again for ever, after 0.1 s growing to 15 s: whatever prevents a start may go away. (pm2's
      // default gives up after 16 starts that ended within a second.)
      exp_backoff_restart_delay: 100,
      max_restarts: 1_000_000,
      // Lines are JSON with their own time: written as they are, to parley-out.log and parley-error.log.
      merge_logs: true,
    },
  ],
}
