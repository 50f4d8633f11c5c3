import type { Cluster } from '../../service/cluster.ts'

const NOT_CONNECTED = 'this gateway has no connection to the writer; it is trying again'

/**
 * What the primary knows, and for readiness what only the gateway can: a writer that lives but cannot
 * be reached from here takes no message that arrives here.
 */
export function createGatewayCluster(whole: Cluster, backend: { isConnected(): boolean }): Cluster {
  return {
    ...whole,
    readiness: async () => {
      const readiness = await whole.readiness()
      if (backend.isConnected()) return readiness
      return { isReady: false, problems: [...readiness.problems, NOT_CONNECTED] }
    },
  }
}
