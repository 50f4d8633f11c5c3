import { readFile, readdir } from 'node:fs/promises'

/** Clock ticks of `/proc/<pid>/stat`; 100 a second on every Linux that Node runs on. */
const MS_PER_TICK = 10
const BYTES_PER_KIB = 1_024

/** The fields of `/proc/<pid>/stat` behind the command's name, which may hold spaces and brackets. */
async function statFields(pid: number): Promise<readonly string[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    // The process ended between the listing and the reading.
    return undefined
  }
}

/** The process and everything below it, as it is now. */
export async function treeOf(root: number): Promise<readonly number[]> {
  const names = await readdir('/proc')
  const childrenOf = new Map<number, number[]>()
  for (const pid of names.filter((name) => /^\d+$/.test(name)).map(Number)) {
    const parent = Number((await statFields(pid))?.[1] ?? Number.NaN)
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), pid])
  }
  const below = (pid: number): number[] => [pid, ...(childrenOf.get(pid) ?? []).flatMap(below)]
  return below(root)
}

/** CPU time that these processes have used in their lives, user and system, all threads. */
export async function cpuMsOf(pids: readonly number[]): Promise<number> {
  const all = await Promise.all(pids.map((pid) => statFields(pid)))
  return all.reduce((sum, fields) => {
    const ticks = Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)
    return sum + ticks * MS_PER_TICK
  }, 0)
}

/** CPU time that the whole machine has spent on processes since it was booted (user, nice, system). */
export async function busyMs(): Promise<number> {
  const [, ...fields] = (await readFile('/proc/stat', 'utf8')).split(/\s+/, 4)
  return fields.reduce((sum, ticks) => sum + Number(ticks) * MS_PER_TICK, 0)
}

/** Memory of these processes, pages that they share counted once (proportional set size). */
export async function pssBytesOf(pids: readonly number[]): Promise<number> {
  const all = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * BYTES_PER_KIB
    }),
  )
  return all.reduce((sum, bytes) => sum + bytes, 0)
}
