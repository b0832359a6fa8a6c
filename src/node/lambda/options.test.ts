import { describe, expect, it } from 'vitest'
import { vpcFlow } from '../../sources/vpc-flow.js'
import { withEnvironment } from './options.js'

describe('withEnvironment', () => {
  const env = { OCSF_LAKE: 's3://lake/ocsf', OCSF_LAKE_DEAD_LETTERS: 's3://letters/rejects', OCSF_LAKE_NAMESPACE: 'Security' }

  it('takes from the environment what the options do not say', () => {
    expect(withEnvironment({ sources: [vpcFlow] }, env)).toEqual({
      sources: [vpcFlow],
      lake: 's3://lake/ocsf',
      deadLetters: 's3://letters/rejects',
      namespace: 'Security',
    })
  })

  it('leaves what they say, and takes an empty variable for none', () => {
    const said = { sources: [vpcFlow], lake: 's3://mine', deadLetters: 's3://letters', namespace: 'Mine' }
    expect(withEnvironment(said, env)).toEqual(said)
    expect(withEnvironment({ sources: [vpcFlow] }, { OCSF_LAKE: '' })).toEqual({ sources: [vpcFlow] })
  })
})
