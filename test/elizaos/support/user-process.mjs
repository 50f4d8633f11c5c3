/** A program as somebody writes it who runs a runtime: `node user-process.mjs <index of the package> <data>`. */
const [index = '', dataDir = ''] = process.argv.slice(2)
// The tests are TypeScript; the package can load that, as it does for the workers folder.
const { registerHooks } = await import(new URL('agent/register-hooks.js', index).href)
registerHooks()
const { AgentServer } = await import(index)
const { answering, createRuntime } = await import('./runtimes.ts')
const { SETTINGS } = await import('./eliza-world.ts')

const { runtime } = await createRuntime({
  name: 'Dan',
  plugin: answering(async (text, { callback }) => {
    await callback?.({ text: `first ${text}` })
    // In the middle of its work, if the test wants that.
    if (text === 'wait') await new Promise((resolve) => process.once('message', resolve))
    await callback?.({ text: `then ${text}` })
  }),
})
const server = new AgentServer()
await server.initialize({ dataDir, settings: SETTINGS })
await server.registerAgent(runtime)
await server.start(0)
// Nobody is left whose test it is.
const end = () => process.kill(process.pid, 'SIGKILL')
process.on('disconnect', end)
process.on('SIGTERM', () => {
  process.off('disconnect', end)
  void server.stop().then(() => process.disconnect())
})
process.send?.({ url: server.url, agentId: runtime.agentId })
