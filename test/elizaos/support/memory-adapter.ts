import type { Agent, Entity, IDatabaseAdapter, Memory, Room, UUID, World } from '@elizaos/core'

/** The part of a database that a runtime without plugins of elizaOS's own asks for. */
type Part = Pick<
  IDatabaseAdapter,
  | 'init'
  | 'isReady'
  | 'close'
  | 'runPluginMigrations'
  | 'ensureEmbeddingDimension'
  | 'getAgents'
  | 'getAgent'
  | 'createAgent'
  | 'updateAgent'
  | 'getEntitiesByIds'
  | 'getEntitiesForRoom'
  | 'createEntities'
  | 'updateEntity'
  | 'getWorld'
  | 'createWorld'
  | 'updateWorld'
  | 'getRoomsByIds'
  | 'createRooms'
  | 'getParticipantsForRoom'
  | 'addParticipantsRoom'
  | 'getRoomsForParticipant'
  | 'getParticipantUserState'
  | 'getMemoryById'
  | 'getMemories'
  | 'createMemory'
  | 'updateMemory'
  | 'log'
>

/** elizaOS's database in memory; what a test looks into is public. */
export class MemoryAdapter implements Part {
  readonly agents = new Map<UUID, Partial<Agent>>()
  readonly entities = new Map<UUID, Entity>()
  readonly worlds = new Map<UUID, World>()
  readonly rooms = new Map<UUID, Room>()
  readonly participants = new Map<UUID, Set<UUID>>()
  readonly memories = new Map<UUID, Memory>()

  /** For the runtime's constructor: what is missing is not called, or fails the test by its name. */
  asAdapter(): IDatabaseAdapter {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return this as unknown as IDatabaseAdapter
  }

  async init() {}
  async close() {}
  async runPluginMigrations() {}
  async ensureEmbeddingDimension() {}
  async log() {}

  async isReady() {
    return true
  }

  async getAgents() {
    return [...this.agents.values()]
  }

  async getAgent(id: UUID) {
    return (this.agents.get(id) as Agent | undefined) ?? null
  }

  async createAgent(agent: Partial<Agent>) {
    if (agent.id !== undefined) this.agents.set(agent.id, agent)
    return true
  }

  async updateAgent(id: UUID, agent: Partial<Agent>) {
    this.agents.set(id, { ...this.agents.get(id), ...agent })
    return true
  }

  async getEntitiesByIds(ids: UUID[]) {
    return ids.flatMap((id) => this.entities.get(id) ?? [])
  }

  async getEntitiesForRoom(roomId: UUID) {
    return this.getEntitiesByIds(await this.getParticipantsForRoom(roomId))
  }

  async createEntities(entities: Entity[]) {
    for (const entity of entities) if (entity.id !== undefined) this.entities.set(entity.id, entity)
    return true
  }

  async updateEntity(entity: Entity) {
    await this.createEntities([entity])
  }

  async getWorld(id: UUID) {
    return this.worlds.get(id) ?? null
  }

  async createWorld(world: World) {
    this.worlds.set(world.id, world)
    return world.id
  }

  async updateWorld(world: World) {
    this.worlds.set(world.id, world)
  }

  async getRoomsByIds(ids: UUID[]) {
    return ids.flatMap((id) => this.rooms.get(id) ?? [])
  }

  async createRooms(rooms: Room[]) {
    for (const room of rooms) this.rooms.set(room.id, room)
    return rooms.map(({ id }) => id)
  }

  async getParticipantsForRoom(roomId: UUID) {
    return [...(this.participants.get(roomId) ?? [])]
  }

  async addParticipantsRoom(ids: UUID[], roomId: UUID) {
    this.participants.set(roomId, new Set([...(this.participants.get(roomId) ?? []), ...ids]))
    return true
  }

  async getRoomsForParticipant(id: UUID) {
    return [...this.participants].filter(([, ids]) => ids.has(id)).map(([roomId]) => roomId)
  }

  async getParticipantUserState() {
    return null
  }

  async getMemoryById(id: UUID) {
    return this.memories.get(id) ?? null
  }

  async getMemories({ roomId }: { readonly roomId?: UUID }) {
    return [...this.memories.values()].filter((one) => one.roomId === roomId)
  }

  async createMemory(memory: Memory) {
    const id = memory.id ?? crypto.randomUUID()
    this.memories.set(id, { ...memory, id })
    return id
  }

  async updateMemory(memory: Partial<Memory> & { readonly id: UUID }) {
    const former = this.memories.get(memory.id)
    if (former !== undefined) this.memories.set(memory.id, { ...former, ...memory })
    return former !== undefined
  }
}
