import cluster from 'node:cluster'
import type { Environment } from '../../config/load.ts'

/**
 * Why this process must not become a primary, or undefined. pm2's cluster mode starts the program as a
 * worker of pm2's own cluster: the port and the children would belong to pm2, and each instance would
 * want the same data directory.
 */
export function clusterModeProblem(environment: Environment): string | undefined {
  if (!cluster.isWorker && environment['exec_mode'] !== 'cluster_mode') return undefined
  return (
    'parley was started in cluster mode, but starts its own processes, one gateway for each core. ' +
    "Under pm2 use fork mode: exec_mode: 'fork', instances: 1 (ecosystem.config.cjs does), " +
    'or `pm2 start dist/main.js` without -i.'
  )
}
