import type { Channel, ChannelDetails, Entry, Message, MessageServer } from '../protocol/model.ts'
import type { AgentWork } from './agent-work.ts'
import type { StoredAgent } from './agents.ts'
import type { LogReader } from './engine.ts'
import type { Failure, FailureQuery, InboxPage, InboxQuery } from './inbox.ts'
import type { ChannelLog, EntryRange, MessagePage, MessageQuery, Standing } from './log.ts'

type Reads = Omit<
  ChannelLog,
  'append' | 'publish' | 'announce' | 'follow' | 'unfollow' | 'close' | keyof AgentWork
>

/** The reading half of a `ChannelLog` whose committed state this process can see for itself. */
export class LogReads implements Reads {
  protected readonly reader: LogReader

  constructor(reader: LogReader) {
    this.reader = reader
  }

  get epoch(): string {
    return this.reader.epoch
  }

  async channel(channelId: string): Promise<ChannelDetails | undefined> {
    return this.reader.channel(channelId)
  }

  async channels(serverId?: string, visibleTo?: string): Promise<readonly Channel[]> {
    return this.reader.channels(serverId, visibleTo)
  }

  async standing(channelId: string, entityId: string): Promise<Standing | undefined> {
    return this.reader.standing(channelId, entityId)
  }

  async servers(): Promise<readonly MessageServer[]> {
    return this.reader.servers()
  }

  async server(serverId: string): Promise<MessageServer | undefined> {
    return this.reader.server(serverId)
  }

  async serverAgents(serverId: string): Promise<readonly string[]> {
    return this.reader.serverAgents(serverId)
  }

  async agentServers(agentId: string): Promise<readonly string[]> {
    return this.reader.agentServers(agentId)
  }

  async message(messageId: string): Promise<Message | undefined> {
    return this.reader.message(messageId)
  }

  async isAwaited(messageId: string): Promise<boolean> {
    return this.reader.isAwaited(messageId)
  }

  async messages(query: MessageQuery): Promise<MessagePage> {
    return this.reader.messages(query)
  }

  async entries(range: EntryRange): Promise<readonly Entry[]> {
    return this.reader.entries(range)
  }

  async head(channelId: string): Promise<number> {
    return this.reader.head(channelId)
  }

  async inbox(query: InboxQuery): Promise<InboxPage> {
    return this.reader.inbox(query)
  }

  async retries(query: InboxQuery): Promise<InboxPage> {
    return this.reader.retries(query)
  }

  async failures(agentId: string, query: FailureQuery): Promise<readonly Failure[]> {
    return this.reader.failures(agentId, query)
  }

  async agents(): Promise<readonly StoredAgent[]> {
    return this.reader.agents()
  }
}
