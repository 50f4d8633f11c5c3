/** Why the call of an agent failed, for people. */
export class WebhookError extends Error {
  override readonly name: string = 'WebhookError'
}

/** The agent said that it is gone for good: whoever calls is to stop. */
export class AgentGone extends WebhookError {
  override readonly name = 'AgentGone'
}
