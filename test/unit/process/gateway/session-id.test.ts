import { describe, expect, it } from 'vitest'
import {
  gatewayOf,
  isEnginePath,
  newProcessId,
  newSessionId,
  sessionIdOf,
} from '../../../../src/process/gateway/session-id.ts'

describe('session ids', () => {
  it('say which gateway they belong to and are safe in a URL', () => {
    const gateway = newProcessId()
    const sid = newSessionId(gateway)
    expect(gatewayOf(sid)).toBe(gateway)
    expect(encodeURIComponent(sid)).toBe(sid)
    expect(newSessionId(gateway)).not.toBe(sid)
  })

  it.each(['', 'abc', '../../x.y', '12345678', '123456789.x', '1234567/.x', 'AAAAAAAA.../x'])(
    'does not take %j for one of ours',
    (sid) => {
      expect(gatewayOf(sid)).toBeUndefined()
    },
  )

  it('are read from a request as engine.io reads them: the last one counts', () => {
    expect(sessionIdOf('/socket.io/?EIO=4&sid=a&transport=polling&sid=b')).toBe('b')
    expect(sessionIdOf('/socket.io/?EIO=4')).toBeUndefined()
    expect(isEnginePath('/socket.io/?sid=a')).toBe(true)
    expect(isEnginePath('/api/socket.io/')).toBe(false)
  })
})
