import { describeLog } from './log.contract.ts'
import { openGateway, openWriter, temporaryDirectory } from './support/remote.ts'
import type { Gateway } from './support/remote.ts'

describeLog('RemoteLog over a socket', async (limits) => {
  const directory = temporaryDirectory()
  const writer = await openWriter({ directory: directory.path })
  const gateways: Gateway[] = []
  return {
    open: async (consumer) => {
      const gateway = openGateway({ directory: directory.path, consumer, limits })
      gateways.push(gateway)
      return gateway.log
    },
    dispose: async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()))
      await writer.close()
      directory.remove()
    },
  }
})
