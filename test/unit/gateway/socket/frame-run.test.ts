import { expect, it } from 'vitest'
import { FrameRun } from '../../../../src/gateway/socket/frame-run.ts'

const framesOf = (size: number, fill: string): Buffer => Buffer.alloc(size, fill)

it('hands over the frames that gathered as one, in their order', () => {
  const run = new FrameRun(framesOf(2, 'a'))
  expect(run.add(framesOf(3, 'b'))).toBe(true)
  expect(run.add(framesOf(1, 'c'))).toBe(true)

  expect(run.wsPreEncodedFrame).toEqual([Buffer.from('aabbbc')])
  expect(run.wsPreEncodedFrame[0]).toBe(run.wsPreEncodedFrame[0])
})

it('does not copy what is alone', () => {
  const frames = framesOf(2, 'a')
  expect(new FrameRun(frames).wsPreEncodedFrame[0]).toBe(frames)
})

it('takes no more than a write’s worth', () => {
  const run = new FrameRun(framesOf(200_000, 'a'))
  expect(run.add(framesOf(62_144, 'b'))).toBe(true)
  expect(run.add(framesOf(1, 'c'))).toBe(false)
  expect(run.wsPreEncodedFrame[0]?.length).toBe(262_144)
})
