import { describe, expect, it } from 'vitest'
import type { Json } from '../../json.js'
import { identityOf, readIdentity } from './identity.js'

const A = '123456789012'
const context = (issuer: string, more: Record<string, Json> = {}): Json => ({
  sessionIssuer: { type: 'Role', principalId: 'AROA1', arn: `arn:aws:iam::${A}:role/${issuer}`, accountId: A, userName: issuer },
  attributes: { creationDate: '2026-03-14T09:00:00Z', mfaAuthenticated: 'true' },
  ...more,
})
const session = { created_time: 1773478800000, is_mfa: true }
const issuerRest = (issuer: string, more: Record<string, Json> = {}): Json => ({
  sessionContext: { ...more, sessionIssuer: { type: 'Role', principalId: 'AROA1', accountId: A, userName: issuer } },
})

/** case, userIdentity, the actor it gives (at 1.1.0, absent attributes left out), what is left over */
const TABLE: readonly (readonly [string, Json, unknown, Json | undefined])[] = [
  [
    'Root with an alias',
    { type: 'Root', principalId: A, arn: `arn:aws:iam::${A}:root`, accountId: A, accessKeyId: '', userName: 'example-corp' },
    { user: { name: 'example-corp', uid: `arn:aws:iam::${A}:root`, uid_alt: A, type_id: 99, type: 'Root', account: { uid: A } } },
    undefined,
  ],
  [
    'Root',
    { type: 'Root', principalId: A, arn: `arn:aws:iam::${A}:root` },
    { user: { name: 'root', uid: `arn:aws:iam::${A}:root`, uid_alt: A, type_id: 99, type: 'Root' } },
    undefined,
  ],
  [
    'IAMUser',
    { type: 'IAMUser', principalId: 'AIDA1', arn: `arn:aws:iam::${A}:user/staff/alice`, accountId: A, accessKeyId: 'AKIA1', userName: 'alice' },
    {
      user: {
        name: 'alice',
        uid: `arn:aws:iam::${A}:user/staff/alice`,
        uid_alt: 'AIDA1',
        type_id: 99,
        type: 'IAMUser',
        account: { uid: A },
        credential_uid: 'AKIA1',
      },
    },
    undefined,
  ],
  [
    'AssumedRole of IAM Identity Center',
    {
      type: 'AssumedRole',
      principalId: 'AROA1:alice@example.com',
      arn: `arn:aws:sts::${A}:assumed-role/AWSReservedSSO_Admin_0a/alice@example.com`,
      accountId: A,
      accessKeyId: 'ASIA1',
      sessionContext: context('AWSReservedSSO_Admin_0a', { webIdFederationData: {} }),
    },
    {
      user: {
        name: 'alice@example.com',
        uid: `arn:aws:sts::${A}:assumed-role/AWSReservedSSO_Admin_0a/alice@example.com`,
        uid_alt: 'AROA1:alice@example.com',
        type_id: 99,
        type: 'AssumedRole',
        account: { uid: A },
        credential_uid: 'ASIA1',
      },
      session: { issuer: `arn:aws:iam::${A}:role/AWSReservedSSO_Admin_0a`, ...session },
    },
    issuerRest('AWSReservedSSO_Admin_0a'),
  ],
  [
    'AssumedRole through OIDC',
    {
      type: 'AssumedRole',
      principalId: 'AROA1:ci',
      arn: `arn:aws:sts::${A}:assumed-role/Ci/ci`,
      sessionContext: context('Ci', { webIdFederationData: { federatedProvider: 'arn:aws:iam::1:oidc-provider/t', attributes: { sub: 'repo' } } }),
    },
    {
      user: { name: 'ci', uid: `arn:aws:sts::${A}:assumed-role/Ci/ci`, uid_alt: 'AROA1:ci', type_id: 99, type: 'AssumedRole' },
      session: { issuer: `arn:aws:iam::${A}:role/Ci`, ...session },
      idp: { name: 'arn:aws:iam::1:oidc-provider/t' },
    },
    {
      sessionContext: {
        sessionIssuer: { type: 'Role', principalId: 'AROA1', accountId: A, userName: 'Ci' },
        webIdFederationData: { attributes: { sub: 'repo' } },
      },
    },
  ],
  [
    'AssumedRole of Roles Anywhere, without an ARN',
    { type: 'AssumedRole', principalId: 'AROA1:7a1b', sessionContext: context('OnPrem', { sourceIdentity: 'CN=w', ec2RoleDelivery: '2.0' }) },
    {
      user: { name: '7a1b', uid_alt: 'AROA1:7a1b', type_id: 99, type: 'AssumedRole' },
      session: { issuer: `arn:aws:iam::${A}:role/OnPrem`, ...session },
    },
    issuerRest('OnPrem', { sourceIdentity: 'CN=w', ec2RoleDelivery: '2.0' }),
  ],
  [
    'AssumedRole of a service-linked role, in old notation',
    {
      type: 'AssumedRole',
      arn: `arn:aws:sts::${A}:assumed-role/AWSServiceRoleForX/X`,
      invokedBy: 'x.amazonaws.com',
      sessionContext: { attributes: { creationDate: '20260314T090000Z', mfaAuthenticated: false } },
    },
    {
      user: { name: 'X', uid: `arn:aws:sts::${A}:assumed-role/AWSServiceRoleForX/X`, type_id: 99, type: 'AssumedRole' },
      session: { created_time: 1773478800000, is_mfa: false },
      invoked_by: 'x.amazonaws.com',
    },
    undefined,
  ],
  [
    'Role',
    { type: 'Role', principalId: 'AROA1', arn: `arn:aws:iam::${A}:role/p/Builder`, accountId: A },
    { user: { name: 'Builder', uid: `arn:aws:iam::${A}:role/p/Builder`, uid_alt: 'AROA1', type_id: 99, type: 'Role', account: { uid: A } } },
    undefined,
  ],
  [
    'FederatedUser',
    { type: 'FederatedUser', principalId: `${A}:bob`, arn: `arn:aws:sts::${A}:federated-user/bob`, accountId: A, accessKeyId: 'ASIA1' },
    {
      user: {
        name: 'bob',
        uid: `arn:aws:sts::${A}:federated-user/bob`,
        uid_alt: `${A}:bob`,
        type_id: 99,
        type: 'FederatedUser',
        account: { uid: A },
        credential_uid: 'ASIA1',
      },
    },
    undefined,
  ],
  [
    'SAMLUser',
    { type: 'SAMLUser', principalId: 'q=:alice', userName: 'alice', identityProvider: 'https://idp.example.com' },
    { user: { name: 'alice', uid_alt: 'q=:alice', type_id: 99, type: 'SAMLUser' }, idp: { name: 'https://idp.example.com' } },
    undefined,
  ],
  [
    'WebIdentityUser',
    { type: 'WebIdentityUser', principalId: 'accounts.google.com:app:1', userName: '1', identityProvider: 'accounts.google.com' },
    { user: { name: '1', uid_alt: 'accounts.google.com:app:1', type_id: 99, type: 'WebIdentityUser' }, idp: { name: 'accounts.google.com' } },
    undefined,
  ],
  [
    'AWSAccount, cross-account',
    { type: 'AWSAccount', principalId: 'AIDA9', accountId: '210987654321' },
    { user: { uid_alt: 'AIDA9', type_id: 99, type: 'AWSAccount', account: { uid: '210987654321' } } },
    undefined,
  ],
  [
    'AWSService',
    { type: 'AWSService', invokedBy: 'lambda.amazonaws.com' },
    { user: { name: 'lambda.amazonaws.com', type_id: 99, type: 'AWSService' }, invoked_by: 'lambda.amazonaws.com' },
    undefined,
  ],
  [
    'Directory',
    { type: 'Directory', principalId: 'd-1', accountId: A, userName: 'alice' },
    { user: { name: 'alice', uid_alt: 'd-1', type_id: 99, type: 'Directory', account: { uid: A } } },
    undefined,
  ],
  [
    'IdentityCenterUser',
    { type: 'IdentityCenterUser', accountId: A, onBehalfOf: { userId: 'u-1', identityStoreArn: 'arn:is' }, credentialId: 'c-1' },
    { user: { uid_alt: 'u-1', type_id: 99, type: 'IdentityCenterUser', account: { uid: A }, credential_uid: 'c-1' }, idp: { uid: 'arn:is' } },
    undefined,
  ],
  [
    'a role on behalf of an Identity Center user',
    { type: 'AssumedRole', principalId: 'AROA1:s', accessKeyId: 'ASIA1', credentialId: 'c-1', onBehalfOf: { userId: 'u-1', identityStoreArn: 'arn:is' } },
    { user: { name: 's', uid_alt: 'AROA1:s', type_id: 99, type: 'AssumedRole', credential_uid: 'ASIA1' }, idp: { uid: 'arn:is' } },
    { credentialId: 'c-1', onBehalfOf: { userId: 'u-1' } },
  ],
  [
    'Unknown, by principal',
    { type: 'Unknown', principalId: 'anonymous' },
    { user: { uid: 'anonymous', uid_alt: 'anonymous', type_id: 0, type: 'Unknown' } },
    undefined,
  ],
  ['Unknown, nobody', { type: 'Unknown', principalId: '', arn: '', accountId: '' }, undefined, { type: 'Unknown' }],
  ['a service event', { accountId: A, invokedBy: 'AWS Internal' }, { user: { account: { uid: A } }, invoked_by: 'AWS Internal' }, undefined],
  ['absent', null, undefined, undefined],
  ['no object', 'alice', undefined, 'alice'],
  [
    'members of the wrong kind',
    { type: 7, userName: { a: 1 }, accountId: 123456789012, arn: 'arn:x:y:z::user/b', sessionContext: 'none', onBehalfOf: [1], invokedBy: true },
    { user: { name: 'b', uid: 'arn:x:y:z::user/b' } },
    { type: 7, userName: { a: 1 }, accountId: 123456789012, sessionContext: 'none', onBehalfOf: [1], invokedBy: true },
  ],
  [
    'scope and a date that is none',
    { userName: 'a', inScopeOf: { issuerType: 'AWS::Lambda::Function' }, sessionContext: { attributes: { creationDate: 'soon', mfaAuthenticated: 'maybe' } } },
    { user: { name: 'a' } },
    { inScopeOf: { issuerType: 'AWS::Lambda::Function' }, sessionContext: { attributes: { creationDate: 'soon', mfaAuthenticated: 'maybe' } } },
  ],
  [
    'federation beside the session, as in old records',
    { userName: 'a', webIdFederationData: { federatedProvider: 'www.amazon.com', attributes: { 'www.amazon.com:app_id': '1' } } },
    { user: { name: 'a' }, idp: { name: 'www.amazon.com' } },
    { webIdFederationData: { attributes: { 'www.amazon.com:app_id': '1' } } },
  ],
]

const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))

describe('readIdentity', () => {
  it.each(TABLE)('reads %s', (_name, element, actor, rest) => {
    const identity = readIdentity(element, '1.1.0')
    expect(plain(identity.actor)).toEqual(actor)
    expect(plain(identity.rest)).toEqual(rest)
  })

  it('takes the name that the record gives elsewhere when the element has none', () => {
    expect(readIdentity({ type: 'Unknown', accountId: A }, '1.1.0', 'alice@example.com').actor?.user?.name).toBe('alice@example.com')
    expect(readIdentity(undefined, '1.1.0', 'alice@example.com').actor?.user?.name).toBe('alice@example.com')
    expect(readIdentity({ userName: 'bob' }, '1.1.0', 'alice@example.com').actor?.user?.name).toBe('bob')
  })

  it('writes the twins of the version', () => {
    const element = { userName: 'a', accessKeyId: 'AKIA1', invokedBy: 'x.amazonaws.com' }
    for (const version of ['1.3.0', '1.5.0'] as const)
      expect(plain(readIdentity(element, version).actor)).toEqual({ user: { name: 'a', credential_uid: 'AKIA1' }, app_name: 'x.amazonaws.com' })
    expect(plain(readIdentity(element, '1.8.0').actor)).toEqual({
      user: { name: 'a', programmatic_credentials: [{ uid: 'AKIA1' }] },
      app_name: 'x.amazonaws.com',
    })
  })
})

describe('identityOf', () => {
  const element = (): { type: string; sessionContext: { sessionIssuer: { arn: string; userName: string } }; note: string } => ({
    type: 'AssumedRole',
    sessionContext: { sessionIssuer: { arn: 'arn:aws:iam::123456789012:role/door', userName: 'door' } },
    note: '{"password":"TOPSECRET"}',
  })

  it('gives what readIdentity gives, secrets redacted', () => {
    const { actor, rest } = identityOf(element(), '1.1.0', undefined)
    expect(actor).toEqual(readIdentity(element(), '1.1.0').actor)
    expect(rest).toEqual({ type: 'AssumedRole', note: '{"password":"REDACTED"}', sessionContext: { sessionIssuer: { userName: 'door' } } })
    expect(identityOf({ type: 'Unknown' }, '1.1.0', 'alice').actor?.user?.name).toBe('alice')
  })

  it('gives the same for an element that cannot change, and reads again what can', () => {
    const fixed = { ...element(), accessKeyId: 'ASIA1' }
    Object.freeze(fixed.sessionContext.sessionIssuer)
    Object.freeze(fixed.sessionContext)
    Object.freeze(fixed)
    expect(identityOf(fixed, '1.1.0', undefined)).toBe(identityOf(fixed, '1.1.0', undefined))
    expect(identityOf(fixed, '1.8.0', undefined)).toEqual(identityOf({ ...element(), accessKeyId: 'ASIA1' }, '1.8.0', undefined))
    expect(identityOf(fixed, '1.1.0', 'alice').actor?.user?.name).toBe('alice')
    expect(identityOf(fixed, '1.1.0', undefined).actor?.user?.name).toBeUndefined()

    const half = Object.freeze(element())
    expect(identityOf(half, '1.1.0', undefined).actor?.session?.issuer).toBe('arn:aws:iam::123456789012:role/door')
    half.sessionContext.sessionIssuer.arn = 'arn:aws:iam::123456789012:role/gate'
    expect(identityOf(half, '1.1.0', undefined).actor?.session?.issuer).toBe('arn:aws:iam::123456789012:role/gate')
  })
})
