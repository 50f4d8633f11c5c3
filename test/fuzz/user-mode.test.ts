import type { TestServer } from '../cluster/support/server.ts'
import { claimsOf, SECRET, signed } from '../integration/support/tokens.ts'
import { describeFuzz } from './support/suite.ts'

const KEY = 'the-key-of-whoever-runs-the-server'
const AS_SERVICE = { 'x-api-key': KEY }

/** In every place of the channel and of its message where text can be, and nowhere else. */
const PLANTED = ['planted-name', 'planted-topic', 'planted-text', 'planted-person', 'planted-file']
const [NAME = '', TOPIC = '', TEXT = '', PERSON = '', FILE = ''] = PLANTED

async function call(server: TestServer, path: string, body: object): Promise<Response> {
  const response = await fetch(`${server.url}/api/messaging${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...AS_SERVICE },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response
}

async function plant(server: TestServer) {
  await call(server, '/channels', {
    id: 'parlour',
    name: NAME,
    topic: TOPIC,
    visibility: 'private',
    metadata: { about: TOPIC },
    participantCentralUserIds: ['alice', 'bob', PERSON],
  })
  const posted = await call(server, '/channels/parlour/messages', {
    author_id: 'alice',
    author_display_name: PERSON,
    content: TEXT,
    metadata: { about: TEXT },
    attachments: [{ id: 'file', title: FILE }],
    raw_message: { thought: TEXT },
  })
  const { data } = (await posted.json()) as { readonly data: { readonly id: string } }
  return { planted: PLANTED, ids: ['parlour', 'mallory', data.id] }
}

const token = (sub: string): Promise<string> => signed(claimsOf(sub))

const mallory = await token('mallory')

describeFuzz({
  settings: {
    PARLEY_API_KEY: KEY,
    PARLEY_JWT_SECRET: SECRET,
    // The fuzz is to be answered, not slowed down.
    PARLEY_EVENTS_PER_SECOND: '1000000',
    PARLEY_ENTITY_EVENTS_PER_SECOND: '1000000',
  },
  adminHeaders: AS_SERVICE,
  headers: { authorization: `Bearer ${mallory}` },
  auth: { token: mallory },
  people: [{ auth: { token: await token('alice') } }, { auth: { token: await token('bob') } }],
  channelId: 'parlour',
  plant,
})
