import type { Scenario } from '../scenario.ts'
import { blockedWorker } from './blocked-worker.ts'
import { closed200, closed50, inFlight8 } from './closed.ts'
import { connectStorm, idle5000 } from './connections.ts'
import { flood } from './flood.ts'
import { lone, paced } from './paced.ts'
import { growth } from './growth.ts'
import { rawLog } from './raw-log.ts'
import { restGet, restPost } from './rest.ts'
import { resumeStorm } from './resume-storm.ts'
import { room1000 } from './room.ts'
import { stalled200 } from './stalled.ts'
import { streams500 } from './streams.ts'
import { echo100, echo1000, turns } from './turns.ts'

/**
 * In the order in which they run: `in-flight-8` is compared with what `raw-log` found, `paced` uses what
 * `closed-200` found.
 */
export const SCENARIOS: readonly Scenario[] = [
  rawLog,
  inFlight8,
  closed200,
  closed50,
  room1000,
  lone,
  paced,
  restGet,
  restPost,
  connectStorm,
  idle5000,
  resumeStorm,
  stalled200,
  flood,
  echo100,
  echo1000,
  turns,
  streams500,
  blockedWorker,
  ...growth,
]
