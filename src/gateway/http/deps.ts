import type { IncomingMessage } from 'node:http'
import type { Settings } from '../../config/settings.ts'
import type { Caller } from '../../service/caller.ts'
import type { Cluster } from '../../service/cluster.ts'
import type { Services } from '../../service/services.ts'
import type { Identity } from '../identity/identity.ts'
import type { Limits } from '../limits/limits.ts'
import type { Logger } from '../../telemetry/logger.ts'

/** What the REST edge is built from. */
export interface HttpDeps {
  readonly settings: Settings
  readonly identity: Identity
  readonly limits: Limits
  readonly services: Services
  readonly cluster: Cluster
  readonly logger: Logger
  readonly version: string
  /** Directory with `swagger-ui.css` and `swagger-ui-bundle.js`, which the build fills. */
  readonly docsAssetsDir: string
}

/** `incoming` is there under the Node server, absent when a test calls the app directly. */
export interface HttpEnv {
  readonly Bindings: { readonly incoming?: IncomingMessage }
  /** Absent where nobody was asked who calls. */
  readonly Variables: { caller?: Caller }
}
