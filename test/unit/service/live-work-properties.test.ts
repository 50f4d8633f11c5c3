import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { WorkWorld } from './work-world.ts'
import type { JoinPlan } from './work-world.ts'

type Step = (world: WorkWorld) => void | Promise<void>

const nth = fc.nat(3)

const plan: fc.Arbitrary<JoinPlan> = fc.record({
  missed: fc.option(fc.nat(6), { nil: undefined }),
  isDecided: fc.boolean(),
  isSlow: fc.boolean(),
})

const step: fc.Arbitrary<readonly [name: string, step: Step]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(['begin', (world: WorkWorld) => world.begin()] as const) },
  {
    weight: 9,
    arbitrary: fc
      .tuple(nth, fc.string({ minLength: 1, maxLength: 4 }))
      .map(
        ([which, text]) =>
          [`write ${which}`, (world: WorkWorld) => world.write(which, text)] as const,
      ),
  },
  {
    weight: 2,
    arbitrary: nth.map(
      (which) => [`end ${which}`, (world: WorkWorld) => world.end(which)] as const,
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('q1', 'q2'), fc.boolean())
      .map(
        ([messageId, isThinking]) =>
          [
            `${messageId} ${isThinking ? 'thinking' : 'idle'}`,
            (world: WorkWorld) => world.think(messageId, isThinking),
          ] as const,
      ),
  },
  { weight: 2, arbitrary: fc.constant(['say', (world: WorkWorld) => world.say()] as const) },
  {
    weight: 1,
    arbitrary: fc.constant(['remove', (world: WorkWorld) => world.removeChannel()] as const),
  },
  { weight: 1, arbitrary: fc.constant(['relink', (world: WorkWorld) => world.relink()] as const) },
  {
    weight: 8,
    arbitrary: fc
      .integer({ min: 1, max: 5 })
      .map((count) => [`feed ${count}`, (world: WorkWorld) => world.feed(count)] as const),
  },
  {
    weight: 5,
    arbitrary: plan.map(
      (how) => [`join ${JSON.stringify(how)}`, (world: WorkWorld) => world.join(how)] as const,
    ),
  },
  { weight: 3, arbitrary: fc.constant(['pace', (world: WorkWorld) => world.pace()] as const) },
)

it('whoever joins, whenever and however, has every stream’s text from its beginning and in order, and every turn', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = new WorkWorld()
      // Keeps the channel open from the start, and sees all of it.
      await world.join({ missed: undefined, isDecided: false, isSlow: false })
      for (const [, run] of steps) await run(world)
      await world.settle()
      const going = [...world.streams].filter(([, text]) => text !== '')
      for (const client of world.clients) {
        expect(client.faults).toEqual([])
        expect(client.isJoined).toBe(true)
        expect(new Map(client.texts)).toEqual(new Map(going))
        expect([...client.turns.keys()].toSorted()).toEqual([...world.turns.keys()].toSorted())
      }
    }),
    { numRuns: 1_000 },
  )
}, 60_000)
