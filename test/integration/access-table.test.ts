import { expect, it } from 'vitest'
import {
  ask,
  credentials,
  currentName,
  requestTo,
  ROLES,
  servedRoutes,
  setScene,
  signedBy,
  startGuarded,
} from './support/access-world.ts'
import { giveUp } from './support/give-up.ts'
import type { Place } from './support/access-world.ts'

/**
 * What every route answers to everyone, about a private channel, a public one, and one that is not there
 * (`any`: it has nothing to do with channels). Who asks, in the order of the columns:
 *
 * nobody without a key or token · forger with a token of another secret · stranger, a user who takes part in
 * nothing · member, a user who takes part and wrote the message that is named · owner, a user who made the channel
 * · helper, an agent who takes part and wrote the action that is named · outsider, an agent who takes part in
 * nothing · admin, a token · service, the key
 *
 * The member is whom `participants/{entityId}` removes, the helper whom `agents/{agentId}` does, and the DM
 * that is asked for is the member's and the owner's. The helper is a worker, too, which gave the named message
 * up, and so nobody's to change over REST. Older names of a route answer as it does.
 */
const TABLE = `
          nob for str mem own hel out adm ser
GET /healthz
  any     200 200 200 200 200 200 200 200 200
GET /readyz
  any     200 200 200 200 200 200 200 200 200
GET /health
  any     200 200 200 200 200 200 200 200 200
GET /api/server/health
  any     401 401 200 200 200 200 200 200 200
GET /api/server/status
  any     401 401 403 403 403 403 403 200 200
POST /api/messaging/channels/{channelId}/messages
  private 401 401 404 201 201 201 404 201 201
  public  401 401 201 201 201 201 201 201 201
  absent  401 401 404 404 404 404 404 201 201
GET /api/messaging/channels/{channelId}/messages
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 200 200
DELETE /api/messaging/channels/{channelId}/messages
  private 401 401 404 403 204 403 404 204 204
  public  401 401 403 403 204 403 403 204 204
  absent  401 401 404 404 404 404 404 204 204
GET /api/messaging/messages/{messageId}
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 404 404
PATCH /api/messaging/messages/{messageId}
  private 401 401 404 200 403 403 404 200 200
  public  401 401 403 200 403 403 403 200 200
  absent  401 401 404 404 404 404 404 404 404
DELETE /api/messaging/messages/{messageId}
  private 401 401 404 204 204 403 404 204 204
  public  401 401 403 204 204 403 403 204 204
  absent  401 401 404 404 404 404 404 404 404
GET /api/messaging/channels/{channelId}/messages/{messageId}
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 404 404
PATCH /api/messaging/channels/{channelId}/messages/{messageId}
  private 401 401 404 200 403 403 404 200 200
  public  401 401 403 200 403 403 403 200 200
  absent  401 401 404 404 404 404 404 404 404
DELETE /api/messaging/channels/{channelId}/messages/{messageId}
  private 401 401 404 204 204 403 404 204 204
  public  401 401 403 204 204 403 403 204 204
  absent  401 401 404 404 404 404 404 404 404
POST /api/messaging/channels/{channelId}/messages/{messageId}/cancel
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 404 404
GET /api/messaging/channels
  any     401 401 200 200 200 200 200 200 200
POST /api/messaging/channels
  any     401 401 201 201 201 201 201 201 201
GET /api/messaging/channels/{channelId}/details
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 404 404
PATCH /api/messaging/channels/{channelId}
  private 401 401 404 403 200 403 404 200 200
  public  401 401 403 403 200 403 403 200 200
  absent  401 401 404 404 404 404 404 404 404
DELETE /api/messaging/channels/{channelId}
  private 401 401 404 403 204 403 404 204 204
  public  401 401 403 403 204 403 403 204 204
  absent  401 401 404 404 404 404 404 204 204
GET /api/messaging/dm-channel
  any     401 401 403 200 200 403 403 200 200
GET /api/messaging/channels/{channelId}/participants
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 200 200
POST /api/messaging/channels/{channelId}/participants
  private 401 401 404 403 201 403 404 201 201
  public  401 401 403 403 201 403 403 201 201
  absent  401 401 404 404 404 404 404 404 404
DELETE /api/messaging/channels/{channelId}/participants/{entityId}
  private 401 401 404 200 200 403 404 200 200
  public  401 401 403 200 200 403 403 200 200
  absent  401 401 404 404 404 404 404 404 404
GET /api/messaging/channels/{channelId}/presence
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 200 200
GET /api/messaging/channels/{channelId}/agents
  private 401 401 404 200 200 200 404 200 200
  public  401 401 200 200 200 200 200 200 200
  absent  401 401 404 404 404 404 404 200 200
POST /api/messaging/channels/{channelId}/agents
  private 401 401 404 403 201 403 404 201 201
  public  401 401 403 403 201 403 403 201 201
  absent  401 401 404 404 404 404 404 404 404
DELETE /api/messaging/channels/{channelId}/agents/{agentId}
  private 401 401 404 403 200 200 404 200 200
  public  401 401 403 403 200 200 403 200 200
  absent  401 401 404 404 404 404 404 404 404
GET /api/messaging/message-server/current
  any     401 401 200 200 200 200 200 200 200
GET /api/messaging/message-servers
  any     401 401 200 200 200 200 200 200 200
GET /api/messaging/message-servers/{messageServerId}/channels
  any     401 401 200 200 200 200 200 200 200
POST /api/messaging/message-servers
  any     401 401 403 403 403 403 403 201 201
DELETE /api/messaging/message-servers/{messageServerId}
  any     401 401 403 403 403 403 403 409 409
GET /api/messaging/message-servers/{messageServerId}/agents
  any     401 401 200 200 200 200 200 200 200
POST /api/messaging/message-servers/{messageServerId}/agents
  any     401 401 403 403 403 403 403 201 201
DELETE /api/messaging/message-servers/{messageServerId}/agents/{agentId}
  any     401 401 403 403 403 403 403 200 200
GET /api/messaging/agents/{agentId}/message-servers
  any     401 401 200 200 200 200 200 200 200
POST /api/messaging/submit
  private 401 401 403 403 403 201 404 201 201
  public  401 401 403 403 403 201 201 201 201
  absent  401 401 403 403 403 404 404 404 404
POST /api/messaging/action
  private 401 401 403 403 403 201 404 201 201
  public  401 401 403 403 403 201 201 201 201
  absent  401 401 403 403 403 404 404 404 404
PATCH /api/messaging/action/{messageId}
  private 401 401 403 403 403 200 404 200 200
  public  401 401 403 403 403 200 403 200 200
  absent  401 401 403 403 403 404 404 404 404
POST /api/messaging/ingest-external
  private 401 401 403 403 403 202 404 202 202
  public  401 401 403 403 403 202 202 202 202
  absent  401 401 403 403 403 404 404 404 404
POST /api/messaging/complete
  private 401 401 403 403 403 200 404 200 200
  public  401 401 403 403 403 200 200 200 200
  absent  401 401 403 403 403 404 404 200 200
GET /api/agents
  any     401 401 200 200 200 200 200 200 200
GET /api/agents/{agentId}
  any     401 401 200 200 200 200 200 200 200
POST /api/agents
  any     401 401 403 403 403 403 403 201 201
PATCH /api/agents/{agentId}
  any     401 401 403 403 403 403 403 409 409
DELETE /api/agents/{agentId}
  any     401 401 403 403 403 403 403 409 409
POST /api/agents/{agentId}/start
  any     401 401 403 403 403 403 403 200 200
POST /api/agents/{agentId}/stop
  any     401 401 403 403 403 403 403 200 200
GET /api/workers
  any     401 401 403 403 403 403 403 200 200
GET /api/workers/{name}/failures
  any     401 401 403 403 403 403 403 200 200
POST /api/workers/{name}/failures/{messageId}/retry
  any     401 401 403 403 403 403 403 202 202
DELETE /api/workers/{name}/failures/{messageId}
  any     401 401 403 403 403 403 403 204 204
GET /api/agents/{agentId}/failures
  any     401 401 403 403 403 403 403 200 200
POST /api/agents/{agentId}/failures/{messageId}/retry
  any     401 401 403 403 403 403 403 202 202
DELETE /api/agents/{agentId}/failures/{messageId}
  any     401 401 403 403 403 403 403 204 204
GET /api/server/ping
  any     401 401 200 200 200 200 200 200 200
GET /api/server/hello
  any     401 401 200 200 200 200 200 200 200
GET /api/server/cluster
  any     401 401 403 403 403 403 403 200 200
GET /api/server/debug/servers
  any     401 401 403 403 403 403 403 200 200
GET /api/system/version
  any     401 401 200 200 200 200 200 200 200
GET /api/system/config
  any     200 200 200 200 200 200 200 200 200
GET /api/server/logs
  any     401 401 403 403 403 403 403 200 200
POST /api/server/logs
  any     401 401 403 403 403 403 403 200 200
DELETE /api/server/logs
  any     401 401 403 403 403 403 403 200 200
POST /api/server/stop
  any     401 401 403 403 403 403 403 200 200
GET /openapi.json
  any     200 200 200 200 200 200 200 200 200
GET /
  any     302 302 302 302 302 302 302 302 302
GET /docs
  any     200 200 200 200 200 200 200 200 200
GET /docs/init.js
  any     200 200 200 200 200 200 200 200 200
GET /docs/swagger-ui.css
  any     200 200 200 200 200 200 200 200 200
GET /docs/swagger-ui-bundle.js
  any     200 200 200 200 200 200 200 200 200
`

type Row = 'any' | Place

const isRow = (name: string): name is Row => ['any', 'private', 'public', 'absent'].includes(name)

function parse(table: string): ReadonlyMap<string, ReadonlyMap<Row, readonly string[]>> {
  const routes = new Map<string, Map<Row, readonly string[]>>()
  let rows = new Map<Row, readonly string[]>()
  for (const line of table.trim().split('\n').slice(1)) {
    const words = line.trim().split(/ +/)
    if (line.startsWith('  ')) {
      const [row = '', ...statuses] = words
      if (!isRow(row) || statuses.length !== ROLES.length) throw new Error(`no row: ${line}`)
      rows.set(row, statuses)
    } else {
      rows = new Map()
      routes.set(line, rows)
    }
  }
  return routes
}

const EXPECTED = parse(TABLE)

const rowsOf = (route: string) => EXPECTED.get(route) ?? EXPECTED.get(currentName(route))

it('the table has a row for every route that is served, and no other', async () => {
  await using server = await startGuarded()
  const served = servedRoutes(server)
  expect(served.filter((route) => rowsOf(route) === undefined)).toEqual([])
  expect([...EXPECTED.keys()].filter((route) => !served.includes(route))).toEqual([])
  const lacking = [...EXPECTED].filter(
    ([, rows]) => !['any', 'private,public,absent'].includes([...rows.keys()].join()),
  )
  expect(lacking).toEqual([])
})

it('every route, under all its names, answers everyone as the table says', async () => {
  await using server = await startGuarded()
  const headers = await credentials()
  const differences: string[] = []
  for (const route of servedRoutes(server)) {
    for (const [row, expected] of rowsOf(route) ?? []) {
      for (const [index, role] of ROLES.entries()) {
        const scene = await setScene(server, row === 'any' ? 'private' : row)
        if (route.includes('/failures')) {
          await giveUp(server.log, { agentId: 'helper', messageId: scene.messageId })
        }
        const answer = await ask(server, signedBy(role, requestTo(route, scene)), headers[role])
        const wanted = expected[index]
        if (String(answer.status) === wanted) continue
        differences.push(`${route}, ${row}, ${role}: ${answer.status}, not ${wanted}`)
      }
    }
  }
  expect(differences).toEqual([])
})
