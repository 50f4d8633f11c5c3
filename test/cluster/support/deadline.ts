/** Milliseconds for one test on a slow machine; every wait inside has its own, shorter bound. */
export const TEST_TIMEOUT_MS = 180_000

/** Most milliseconds that a test waits for one thing that must happen. */
const DEADLINE_MS = 45_000

/** The promise, or a failure that says how far it got. */
export async function within<T>(
  promise: Promise<T>,
  describe: () => string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not within ${deadlineMs} ms: ${describe()}`))
    }, deadlineMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The promise, or a failure once `progress` has stood still for too long: for work of any length. */
export async function whileMoving<T>(
  promise: Promise<T>,
  progress: () => number,
  describe: () => string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_resolve, reject) => {
    let last = progress()
    timer = setInterval(() => {
      const now = progress()
      if (now === last) reject(new Error(`no progress for ${DEADLINE_MS} ms: ${describe()}`))
      last = now
    }, DEADLINE_MS)
  })
  try {
    return await Promise.race([promise, stalled])
  } finally {
    clearInterval(timer)
  }
}
