import { describe, expect, it } from 'vitest'
import { clusterModeProblem } from '../../../../src/process/primary/refuse-cluster-mode.ts'

describe('clusterModeProblem', () => {
  it('is what to change under pm2’s cluster mode', () => {
    const problem = clusterModeProblem({ pm_id: '0', exec_mode: 'cluster_mode' })
    expect(problem).toContain("exec_mode: 'fork', instances: 1")
    expect(problem).toContain('`pm2 start dist/main.js` without -i')
  })

  it.each([{}, { pm_id: '0', exec_mode: 'fork_mode' }])('is nothing under %j', (environment) => {
    expect(clusterModeProblem(environment)).toBeUndefined()
  })
})
