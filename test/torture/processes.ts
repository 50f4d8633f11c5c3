import { readFileSync } from 'node:fs'
import { ROLES } from './steps.ts'
import type { Role } from './steps.ts'

export interface Running {
  readonly pid: number
  readonly role: Role
}

/** A file of a process that may end while it is looked at. */
function lookUp(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // ENOENT, ESRCH: it has ended.
    return ''
  }
}

/** The role is the last word of a child's command line. */
function roleOf(pid: number): Role | undefined {
  const words = lookUp(`/proc/${pid}/cmdline`)
    .split('\0')
    .filter((word) => word !== '')
  return ROLES.find((role) => role === words.at(-1))
}

/** The kernel's own list of what a primary has started, so that nothing has to be asked over HTTP. */
export function childrenOf(primaryPid: number): Running[] {
  const pids = lookUp(`/proc/${primaryPid}/task/${primaryPid}/children`).split(' ')
  return pids.flatMap((word) => {
    const pid = Number(word)
    const role = word === '' || pid === 0 ? undefined : roleOf(pid)
    return role === undefined ? [] : [{ pid, role }]
  })
}

/** Seconds since the process was started; 0 once it is gone. */
export function ageSeconds(pid: number): number {
  // Behind the name, which may hold anything: the start is the 22nd field, in hundredths of a second.
  const fields = lookUp(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  const [uptimeSeconds = '0'] = lookUp('/proc/uptime').split(' ')
  const startTicks = fields[19]
  return startTicks === undefined ? 0 : Number(uptimeSeconds) - Number(startTicks) / 100
}

/** The most memory that the process ever had, in bytes; 0 once it is gone. */
export function peakMemoryBytes(pid: number): number {
  const [, kilobytes = '0'] = /VmHWM:\s+(\d+) kB/.exec(lookUp(`/proc/${pid}/status`)) ?? []
  return Number(kilobytes) * 1_024
}
