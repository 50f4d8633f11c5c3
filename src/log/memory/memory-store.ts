import { randomUUID } from 'node:crypto'
import type { MessageServer, Participant } from '../../protocol/model.ts'
import type { Standing } from '../log.ts'
import type { ChannelRecord, EntryRow, ServerRecord, Tail } from '../engine/records.ts'
import type {
  ClientKey,
  Page,
  PostingRange,
  RowRange,
  RowSpan,
  WriteStore,
} from '../engine/store.ts'
import { MemoryAgents } from './memory-agents.ts'
import { MemoryInbox } from './memory-inbox.ts'
import { MemoryStreams } from './memory-streams.ts'

/** A channel and its rows; the row of `seq` is at index `seq - 1`. */
interface Shelf {
  record: ChannelRecord
  readonly rows: EntryRow[]
  /** In order of addition. */
  readonly participants: Map<string, Participant>
  /** The newest places when they came. */
  readonly joinedPlaces: Map<string, number>
}

interface ServerAgent {
  readonly serverId: string
  readonly agentId: string
}

/** The store of tests and trials: everything in this process, nothing bounded, nothing durable. */
export class MemoryStore implements WriteStore {
  readonly epoch: string
  readonly inbox: MemoryInbox
  readonly streams = new MemoryStreams()
  readonly agents = new MemoryAgents()
  readonly #keys = new Map<string, number>()
  /** The shelf of channel `key` is at index `key - 1`. */
  readonly #shelves: Shelf[] = []
  /** Where the entry of place `n` stands is at index `n - 1`. */
  readonly #places: Pick<EntryRow, 'channelKey' | 'seq'>[] = []
  /** Places by the ids of their entries. */
  readonly #ids = new Map<string, number>()
  readonly #clientKeys = new Map<string, number>()
  readonly #servers = new Map<string, ServerRecord>()
  /** In order of addition. */
  #serverAgents: readonly ServerAgent[] = []
  #order = 0

  constructor(epoch: string = randomUUID()) {
    this.epoch = epoch
    this.inbox = new MemoryInbox({
      newestPlace: () => this.#places.length,
      entryAt: (place) => this.#entryAt(place),
      placeOf: (id) => this.#ids.get(id),
      channelByKey: (channelKey) => this.channelByKey(channelKey),
      participants: (channelKey) => this.participants(channelKey),
      takesPart: (channelKey, entityId) => this.participant(channelKey, entityId) !== undefined,
      joinedPlace: (channelKey, entityId) =>
        this.#shelf(channelKey).joinedPlaces.get(entityId) ?? 0,
    })
  }

  snapshot<T>(read: () => T): T {
    return read()
  }

  /** Nothing here can fail but a rule itself, after which the engine takes no more changes. */
  transaction<T>(write: () => T): T {
    return write()
  }

  channel(channelId: string): ChannelRecord | undefined {
    const key = this.#keys.get(channelId)
    return key === undefined ? undefined : this.channelByKey(key)
  }

  channelByKey(channelKey: number): ChannelRecord | undefined {
    return this.#shelves[channelKey - 1]?.record
  }

  liveChannels(serverId: string | undefined, page: Page): readonly ChannelRecord[] {
    return newestOf(this.#live(serverId), page)
  }

  visibleChannels(
    serverId: string | undefined,
    entityId: string,
    page: Page,
  ): readonly ChannelRecord[] {
    const live = this.#live(serverId)
    const everybodys = live.filter(({ visibility }) => visibility === 'public')
    const own = live
      .filter(({ key }) => this.participant(key, entityId) !== undefined)
      .toSorted((a, b) => b.key - a.key)
      .slice(0, page.limit)
    return newestOf([...new Set([...everybodys, ...own])], page)
  }

  standing(channelId: string, entityId: string): Standing | undefined {
    const record = this.channel(channelId)
    if (record?.isLive !== true) return undefined
    const { key, type, visibility, ownerId } = record
    const isParticipant = this.participant(key, entityId) !== undefined
    return { type, visibility, isParticipant, isOwner: ownerId === entityId }
  }

  liveChannelKeys(serverId: string, limit: number): readonly number[] {
    const page = { limit, maxBytes: Number.POSITIVE_INFINITY }
    return this.liveChannels(serverId, page).map(({ key }) => key)
  }

  liveDm(dmKey: string): ChannelRecord | undefined {
    return this.#shelves.find(({ record }) => record.dmKey === dmKey)?.record
  }

  insertChannel(channel: Omit<ChannelRecord, 'key'>): ChannelRecord {
    const record = { ...channel, key: this.#shelves.length + 1 }
    this.#shelves.push({ record, rows: [], participants: new Map(), joinedPlaces: new Map() })
    this.#keys.set(record.id, record.key)
    this.#order = record.order
    return record
  }

  saveChannel(channel: ChannelRecord): void {
    this.#shelf(channel.key).record = channel
    this.#order = Math.max(this.#order, channel.order)
  }

  nextOrder(): number {
    return this.#order + 1
  }

  participants(channelKey: number, limit?: number): readonly Participant[] {
    return [...this.#shelf(channelKey).participants.values()].slice(0, limit)
  }

  participant(channelKey: number, entityId: string): Participant | undefined {
    return this.#shelf(channelKey).participants.get(entityId)
  }

  saveParticipant(channelKey: number, participant: Participant): void {
    const { participants, joinedPlaces } = this.#shelf(channelKey)
    const { entityId } = participant
    if (!participants.has(entityId)) joinedPlaces.set(entityId, this.#places.length)
    participants.set(entityId, participant)
  }

  removeParticipant(channelKey: number, entityId: string): void {
    this.#shelf(channelKey).participants.delete(entityId)
  }

  removeParticipants(channelKey: number): void {
    this.#shelf(channelKey).participants.clear()
  }

  keysAsPerson(entityId: string, limit: number): readonly number[] {
    const shelves = this.#shelves.filter(
      ({ participants }) => participants.get(entityId)?.isAgent === false,
    )
    const keys = shelves.map(({ record }) => record.key)
    return keys.toReversed().slice(0, limit)
  }

  hasAgents(channelKey: number): boolean {
    return this.participants(channelKey).some(({ isAgent }) => isAgent)
  }

  tail(channelKey: number): Tail {
    return this.#shelf(channelKey).rows.at(-1) ?? { seq: 0, at: 0 }
  }

  entry(channelKey: number, seq: number): EntryRow | undefined {
    return this.#shelf(channelKey).rows[seq - 1]
  }

  entryTime(channelKey: number, seq: number): number | undefined {
    return this.entry(channelKey, seq)?.at
  }

  entryById(id: string): EntryRow | undefined {
    const place = this.#ids.get(id)
    return place === undefined ? undefined : this.#entryAt(place)
  }

  entries(range: RowRange): readonly EntryRow[] {
    const { channelKey, clearedSeq, after, upTo, limit, maxBytes } = range
    const rows = this.#shelf(channelKey)
      .rows.slice(after, Math.min(upTo, after + limit))
      .map((row) => (row.seq <= clearedSeq ? withoutBody(row) : row))
    return fitting(rows, maxBytes, (row) => {
      if (isAboutChannel(row)) return bytesOf(row.data) + range.channelBytes
      if (row.kind !== 'edited') return bytesOf(row.data)
      const { messageSeq = 0 } = row
      return messageSeq <= clearedSeq ? 0 : bytesOf(this.entry(channelKey, messageSeq)?.data)
    })
  }

  postings({ channelKey, above, below, limit, maxBytes }: PostingRange): readonly EntryRow[] {
    const rows = this.#shelf(channelKey)
      .rows.slice(above, below - 1)
      .filter((row) => row.kind === 'posted' && row.data !== null)
      .toReversed()
      .slice(0, limit)
    return fitting(rows, maxBytes, (row) => bytesOf(row.data))
  }

  hasPostings(range: PostingRange): boolean {
    return this.postings({ ...range, limit: 1 }).length > 0
  }

  postingByClientId(key: ClientKey): EntryRow | undefined {
    const seq = this.#clientKeys.get(nameOf(key))
    return seq === undefined ? undefined : this.entry(key.channelKey, seq)
  }

  insertPosting(row: EntryRow): boolean {
    const { channelKey, authorId = '', clientMessageId } = row
    if (this.#ids.has(row.id)) return false
    if (clientMessageId !== undefined) {
      const name = nameOf({ channelKey, authorId, clientMessageId })
      if (this.#clientKeys.has(name)) return false
      this.#clientKeys.set(name, row.seq)
    }
    this.insertEntry(row)
    return true
  }

  insertEntry(row: EntryRow): void {
    const { rows } = this.#shelf(row.channelKey)
    if (row.seq !== rows.length + 1) throw new Error(`entry ${row.id} would leave a hole`)
    rows.push(row)
    this.#places.push({ channelKey: row.channelKey, seq: row.seq })
    this.#ids.set(row.id, this.#places.length)
  }

  saveBody(posting: EntryRow, data: string | null, updatedAt: number): void {
    this.#shelf(posting.channelKey).rows[posting.seq - 1] = { ...posting, data, updatedAt }
  }

  eraseBodies({ channelKey, after, upTo }: RowSpan): void {
    const { rows } = this.#shelf(channelKey)
    for (const row of rows.slice(after, upTo)) {
      if (row.kind === 'posted') rows[row.seq - 1] = { ...row, data: null }
    }
  }

  unsweptChannel(): ChannelRecord | undefined {
    return this.#shelves.find(({ record }) => record.sweptSeq < record.clearedSeq)?.record
  }

  server(serverId: string): ServerRecord | undefined {
    return this.#servers.get(serverId)
  }

  liveServers({ limit, maxBytes }: Page): readonly MessageServer[] {
    const live = [...this.#servers.values()].filter(({ isLive }) => isLive)
    const newest = live
      .map(({ server }) => server)
      .toReversed()
      .slice(0, limit)
    return fitting(newest, maxBytes, (server) => bytesOf(JSON.stringify(server))).toReversed()
  }

  /** One that comes back after its deletion is the newest. */
  saveServer(record: ServerRecord): void {
    const { id } = record.server
    if (this.#servers.get(id)?.isLive === false) this.#servers.delete(id)
    this.#servers.set(id, record)
  }

  serverAgents(serverId: string): readonly string[] {
    return this.#serverAgents
      .filter((one) => one.serverId === serverId)
      .map(({ agentId }) => agentId)
  }

  agentServers(agentId: string): readonly string[] {
    return this.#serverAgents
      .filter((one) => one.agentId === agentId)
      .map(({ serverId }) => serverId)
  }

  isServerAgent(serverId: string, entityId: string): boolean {
    return this.serverAgents(serverId).includes(entityId)
  }

  addServerAgent(serverId: string, agentId: string): void {
    if (this.isServerAgent(serverId, agentId)) return
    this.#serverAgents = [...this.#serverAgents, { serverId, agentId }]
  }

  removeServerAgent(serverId: string, agentId: string): void {
    this.#serverAgents = this.#serverAgents.filter(
      (one) => one.serverId !== serverId || one.agentId !== agentId,
    )
  }

  removeServerAgents(serverId: string): void {
    this.#serverAgents = this.#serverAgents.filter((one) => one.serverId !== serverId)
  }

  close(): void {
    // Nothing is held that the garbage collector does not free.
  }

  #live(serverId: string | undefined): readonly ChannelRecord[] {
    return this.#shelves
      .map(({ record }) => record)
      .filter((record) => record.isLive && (serverId ?? record.serverId) === record.serverId)
  }

  #entryAt(place: number): EntryRow | undefined {
    const at = this.#places[place - 1]
    return at && this.entry(at.channelKey, at.seq)
  }

  #shelf(channelKey: number): Shelf {
    const shelf = this.#shelves[channelKey - 1]
    if (shelf === undefined) throw new Error(`channel key ${channelKey} is unknown`)
    return shelf
  }
}

function newestOf(
  records: readonly ChannelRecord[],
  { limit, maxBytes }: Page,
): readonly ChannelRecord[] {
  const newest = records.toSorted((a, b) => b.order - a.order).slice(0, limit)
  return fitting(newest, maxBytes, ({ words }) => bytesOf(JSON.stringify(words))).toReversed()
}

function withoutBody(row: EntryRow): EntryRow {
  return row.kind === 'posted' ? { ...row, data: null } : row
}

const isAboutChannel = ({ kind }: EntryRow): boolean =>
  kind === 'updated' || kind === 'participants'

const bytesOf = (body: string | null | undefined): number => Buffer.byteLength(body ?? '')

/** The first rows whose bodies are at most `maxBytes` together; one in any case. */
function fitting<Row>(
  rows: readonly Row[],
  maxBytes: number,
  sizeOf: (row: Row) => number,
): readonly Row[] {
  let bytes = 0
  const end = rows.findIndex((row) => {
    bytes += sizeOf(row)
    return bytes > maxBytes
  })
  return end === -1 ? rows : rows.slice(0, Math.max(end, 1))
}

function nameOf({ channelKey, authorId, clientMessageId }: ClientKey): string {
  return JSON.stringify([channelKey, authorId, clientMessageId])
}
