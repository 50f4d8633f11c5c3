/** What an endpoint answers; the machinery around it adds headers and encodes. */
export interface Reply {
  readonly status: number
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, instead of `json`. */
  readonly content?: { readonly type: string; readonly data: string | Uint8Array<ArrayBuffer> }
  readonly headers?: Readonly<Record<string, string>>
}

/** 200 with a body of its own shape. */
export const plain = (json: unknown): Reply => ({ status: 200, json })

/** elizaOS's success envelope. */
export const ok = (data: unknown): Reply => ({ status: 200, json: { success: true, data } })

/** The same with 201. */
export const created = (data: unknown): Reply => ({ status: 201, json: { success: true, data } })

export const noContent = (): Reply => ({ status: 204 })
