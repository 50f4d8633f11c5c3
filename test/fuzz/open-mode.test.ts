import { createChannel } from '../cluster/support/rest.ts'
import { describeFuzz } from './support/suite.ts'

describeFuzz({
  settings: {},
  headers: {},
  auth: { entityId: 'mallory' },
  people: [{ entityId: 'alice' }, { entityId: 'bob' }],
  channelId: 'parlour',
  plant: async (server) => {
    // Everybody may read everything in open mode: there is nothing to hide.
    await createChannel(server.url, 'parlour')
    return { planted: [], ids: [] }
  },
})
