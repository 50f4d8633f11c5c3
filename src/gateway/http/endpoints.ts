import { AgentDirectory } from '../../service/agent-directory.ts'
import { withAliases } from './aliases.ts'
import type { HttpDeps } from './deps.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { describeApi } from './openapi.ts'
import type { OpenapiInfo } from './openapi.ts'
import { agentMessageEndpoints } from './routes/agent-messages.ts'
import { agentChangeEndpoints } from './routes/agent-changes.ts'
import { agentEndpoints } from './routes/agents.ts'
import { channelAgentEndpoints } from './routes/channel-agents.ts'
import { channelEndpoints } from './routes/channels.ts'
import { docsEndpoints } from './routes/docs.ts'
import { externalMessageEndpoints } from './routes/external-messages.ts'
import { failureEndpoints } from './routes/failures.ts'
import { healthEndpoints } from './routes/health.ts'
import { logEndpoints } from './routes/logs.ts'
import { messageEndpoints } from './routes/messages.ts'
import { participantEndpoints } from './routes/participants.ts'
import { serverAgentEndpoints } from './routes/server-agents.ts'
import { serverEndpoints } from './routes/servers.ts'
import { singleMessageEndpoints } from './routes/single-messages.ts'
import { streamEndpoints } from './routes/streams.ts'
import { workerEndpoints } from './routes/workers.ts'
import { stopEndpoint, systemEndpoints } from './routes/system.ts'

/** Describes all endpoints, itself included; built at the first request and kept. */
function openapiEndpoint(info: OpenapiInfo, all: () => readonly Endpoint[]): Endpoint {
  let document: string | undefined
  return endpoint({
    method: 'get',
    path: '/openapi.json',
    tag: 'Documentation',
    summary: 'This description',
    access: 'public',
    success: { status: 200, description: 'OpenAPI 3.1.' },
    handle: () => {
      document ??= describeApi(all(), info)
      return { status: 200, content: { type: 'application/json; charset=utf-8', data: document } }
    },
  })
}

/** Everything that is served, under all its names. */
export function allEndpoints(deps: HttpDeps, isOpen: boolean): readonly Endpoint[] {
  const { services, cluster, version, settings } = deps
  const info = { version, isOpen, hasKeySet: settings.jwksUrl !== undefined }
  const directory = new AgentDirectory({
    registry: services.agents,
    cluster,
    fixed: settings.agents,
    allow: settings.webhookAllow,
  })
  const endpoints: readonly Endpoint[] = withAliases([
    ...healthEndpoints(deps),
    ...messageEndpoints(services),
    ...singleMessageEndpoints(services),
    ...streamEndpoints(services),
    ...channelEndpoints(services),
    ...participantEndpoints(services),
    ...channelAgentEndpoints(services),
    ...serverEndpoints(services),
    ...serverAgentEndpoints(services),
    ...agentMessageEndpoints(services),
    ...externalMessageEndpoints(services),
    ...agentEndpoints(directory),
    ...agentChangeEndpoints(directory),
    ...workerEndpoints(cluster),
    ...failureEndpoints({ cluster, directory, services }),
    ...systemEndpoints(deps),
    ...logEndpoints(cluster),
    ...(isOpen ? [] : [stopEndpoint(deps)]),
    openapiEndpoint(info, () => endpoints),
    ...docsEndpoints(deps),
  ])
  return endpoints
}
