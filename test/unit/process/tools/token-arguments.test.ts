import { describe, expect, it } from 'vitest'
import { readTokenArguments } from '../../../../src/process/tools/token-arguments.ts'

function problemsOf(...args: string[]): readonly string[] {
  const read = readTokenArguments(args)
  return 'problems' in read ? read.problems : []
}

describe('the arguments of a token', () => {
  it('need only say whose it is', () => {
    expect(readTokenArguments(['--sub', 'alice'])).toEqual({
      wanted: { sub: 'alice', role: 'user', ttlSeconds: 3_600, grants: undefined },
    })
  })

  it('may say everything, grants one by one and as the claim', () => {
    const args = ['--sub=bot', '--role', 'agent', '--ttl', '15m', '--channel', 'lobby=join, send']
    expect(readTokenArguments([...args, '--channels', '{"support-*":["admin"]}'])).toEqual({
      wanted: {
        sub: 'bot',
        role: 'agent',
        ttlSeconds: 900,
        grants: [
          { pattern: 'support-*', allow: ['admin'] },
          { pattern: 'lobby', allow: ['join', 'send'] },
        ],
      },
    })
    expect(readTokenArguments(['--sub', 'a', '--channels', '{}'])).toMatchObject({
      wanted: { grants: [] },
    })
  })

  it('are refused for everything that is wrong with them, at once', () => {
    const args = '--role boss --ttl soon --channel lobby=fly --channels { --colour red --sub'
    const problems = problemsOf(...args.split(' '))
    expect(problems).toEqual([
      expect.stringContaining('"red" is not understood'),
      '--colour is no option of this command',
      '--sub needs a value',
      '--role: must be user, agent, admin',
      expect.stringContaining('--ttl: must be a time'),
      '--channels: is no JSON; quote it for the shell',
      expect.stringContaining('--channel "lobby=fly": must be of join'),
    ])
  })

  it.each([
    [[]],
    [['--sub', 'a b']],
    [['--sub', 'a', '--sub', 'b']],
    [['--sub', '--role', 'user']],
    [['--sub', 'a', 'b']],
    [['--sub', 'a', '--ttl', '0s']],
    [['--sub', 'a', '--ttl', '3651d']],
    [['--sub', 'a', '--ttl', '-1h']],
    [['--sub', 'a', '--channel', 'lobby']],
    [['--sub', 'a', '--channel']],
    [['--sub', 'a', '--channel', '=join']],
    [['--sub', 'a', '--channels', '["lobby"]']],
    [['--sub', 'a', '--channel', 'x=join', '--channel', 'x=read']],
  ])('are refused: %j', (args) => {
    expect(problemsOf(...args)).not.toEqual([])
  })
})
