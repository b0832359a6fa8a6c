/** Which OCSF class and activity a CloudTrail event is. AWS publishes no such list; this one is ours. */

import { remembered } from './remembered.js'

export type AuthenticationActivity = 1 | 2 | 7 | 99
export type AccountActivity = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 10 | 11 | 99
export type ApiActivity = 1 | 2 | 3 | 4 | 99

export type Route =
  | { readonly class: 'authentication'; readonly activity: AuthenticationActivity }
  | { readonly class: 'account_change'; readonly activity: AccountActivity }
  | { readonly class: 'api_activity'; readonly activity: ApiActivity }

/** Logon 1, Logoff 2, Account Switch 7; Other 99 where the event is a step on the way. By service, then event name. */
const AUTHENTICATION: Readonly<Record<string, Readonly<Record<string, AuthenticationActivity>>>> = {
  signin: {
    ConsoleLogin: 1,
    UserAuthentication: 1,
    GetSigninToken: 1,
    SwitchRole: 7,
    ExitRole: 2,
    Logout: 2,
    SignOut: 2,
    CheckMfa: 99,
    RenewRole: 99,
    CredentialChallenge: 99,
    CredentialVerification: 99,
    PasswordRecoveryRequested: 99,
    PasswordRecoveryCompleted: 99,
  },
  sts: { AssumeRole: 1, AssumeRoleWithSAML: 1, AssumeRoleWithWebIdentity: 1, AssumeRoot: 1, GetFederationToken: 1, GetSessionToken: 1 },
  rolesanywhere: { CreateSession: 1 },
  sso: { Authenticate: 1, Federate: 1, Logout: 2 },
  'sso-oauth': { CreateToken: 1, CreateTokenWithIAM: 1 },
  'cognito-idp': {
    InitiateAuth: 1,
    AdminInitiateAuth: 1,
    RespondToAuthChallenge: 1,
    AdminRespondToAuthChallenge: 1,
    GlobalSignOut: 2,
    AdminUserGlobalSignOut: 2,
  },
}

/**
 * Create 1, Enable 2, Password Change 3, Password Reset 4, Disable 5, Delete 6, Attach Policy 7, Detach Policy 8, MFA
 * Factor Enable 10, MFA Factor Disable 11, Other 99. Roles count as accounts, as in Security Lake's own mapping.
 */
const ACCOUNT_CHANGE: Readonly<Record<string, Readonly<Record<string, AccountActivity>>>> = {
  iam: {
    CreateUser: 1,
    CreateRole: 1,
    CreateServiceLinkedRole: 1,
    ChangePassword: 3,
    CreateLoginProfile: 4,
    UpdateLoginProfile: 4,
    DeleteLoginProfile: 99,
    DeleteUser: 6,
    DeleteRole: 6,
    DeleteServiceLinkedRole: 6,
    AttachUserPolicy: 7,
    PutUserPolicy: 7,
    AttachRolePolicy: 7,
    PutRolePolicy: 7,
    DetachUserPolicy: 8,
    DeleteUserPolicy: 8,
    DetachRolePolicy: 8,
    DeleteRolePolicy: 8,
    EnableMFADevice: 10,
    DeactivateMFADevice: 11,
    ResyncMFADevice: 99,
    UpdateUser: 99,
    UpdateRole: 99,
    UpdateAssumeRolePolicy: 99,
    CreateAccessKey: 99,
    UpdateAccessKey: 99,
    DeleteAccessKey: 99,
    CreateServiceSpecificCredential: 99,
    ResetServiceSpecificCredential: 99,
    UpdateServiceSpecificCredential: 99,
    DeleteServiceSpecificCredential: 99,
    UploadSigningCertificate: 99,
    UpdateSigningCertificate: 99,
    DeleteSigningCertificate: 99,
    UploadSSHPublicKey: 99,
    UpdateSSHPublicKey: 99,
    DeleteSSHPublicKey: 99,
    PutUserPermissionsBoundary: 99,
    DeleteUserPermissionsBoundary: 99,
    PutRolePermissionsBoundary: 99,
    DeleteRolePermissionsBoundary: 99,
    TagUser: 99,
    UntagUser: 99,
    TagRole: 99,
    UntagRole: 99,
  },
  identitystore: { CreateUser: 1, UpdateUser: 99, DeleteUser: 6 },
  'sso-directory': {
    CreateUser: 1,
    EnableUser: 2,
    UpdatePassword: 4,
    ResetPassword: 4,
    DisableUser: 5,
    DeleteUser: 6,
    CompleteVirtualMfaDeviceRegistration: 10,
    CompleteWebAuthnDeviceRegistration: 10,
    DeleteMfaDeviceForUser: 11,
    UpdateUser: 99,
    UpdateUserName: 99,
    VerifyEmail: 99,
  },
  'cognito-idp': {
    AdminCreateUser: 1,
    SignUp: 1,
    AdminEnableUser: 2,
    ChangePassword: 3,
    AdminSetUserPassword: 4,
    AdminResetUserPassword: 4,
    ForgotPassword: 4,
    ConfirmForgotPassword: 4,
    AdminDisableUser: 5,
    AdminDeleteUser: 6,
    DeleteUser: 6,
    ConfirmSignUp: 99,
    AdminConfirmSignUp: 99,
    AdminUpdateUserAttributes: 99,
    AdminDeleteUserAttributes: 99,
    UpdateUserAttributes: 99,
    AdminSetUserMFAPreference: 99,
    SetUserMFAPreference: 99,
    AdminLinkProviderForUser: 99,
    AdminDisableProviderForUser: 99,
  },
  signin: { PasswordUpdated: 3 },
}

/** Without a name in the request, these act on the caller. */
export const ACTS_ON_CALLER: ReadonlySet<string> = new Set([
  'ChangePassword',
  'PasswordUpdated',
  'CreateAccessKey',
  'UpdateAccessKey',
  'DeleteAccessKey',
  'EnableMFADevice',
  'DeactivateMFADevice',
  'ResyncMFADevice',
  'CreateServiceSpecificCredential',
  'ResetServiceSpecificCredential',
  'UploadSigningCertificate',
  'UploadSSHPublicKey',
])

const VERBS: Readonly<Record<string, 1 | 2 | 3 | 4>> = verbs({
  1: 'Create Run Register Allocate Import Copy Clone Generate Issue Launch Provision Request Upload Initiate Invite Bulk Publish Record Submit',
  2: 'Get List Describe Head Lookup Search Query Scan Select Check View Download Preview Estimate Validate Verify Count Detect Discover Filter Export Read Resolve Retrieve Poll Receive Simulate Test',
  3: 'Update Modify Put Set Attach Detach Tag Untag Enable Disable Associate Disassociate Add Change Replace Reset Restore Start Stop Reboot Move Rename Rotate Authorize Cancel Confirm Accept Reject Apply Assign Unassign Edit Increase Decrease Resume Suspend Sync Synchronize Upgrade Switch Transfer Merge Configure Activate Deactivate Lock Unlock Grant Subscribe Unsubscribe Promote Reverse Rollback Schedule Complete Connect Disconnect Swap Refresh Continue Pause Migrate Annotate',
  4: 'Delete Terminate Remove Deregister Revoke Purge Destroy Drop Release Abort Retire Expire',
})

/** S3 writes whole objects: what it puts is new. */
const CREATES: ReadonlySet<string> = new Set([
  's3 PutObject',
  's3 CompleteMultipartUpload',
  's3 CreateMultipartUpload',
  's3 UploadPart',
  's3-outposts PutObject',
])

function verbs(byActivity: Readonly<Record<1 | 2 | 3 | 4, string>>): Record<string, 1 | 2 | 3 | 4> {
  const table: Record<string, 1 | 2 | 3 | 4> = Object.create(null) as Record<string, 1 | 2 | 3 | 4> // a verb may be any word, `constructor` too
  for (const activity of [1, 2, 3, 4] as const) for (const verb of byActivity[activity].split(' ')) table[verb.toLowerCase()] = activity
  return table
}

/** The first word of `DescribeInstances`, lower case. */
function verbOf(eventName: string, from: number): string {
  let to = from + 1
  while (to < eventName.length) {
    const code = eventName.charCodeAt(to)
    if (code < 97 || code > 122) break
    to++
  }
  return eventName.slice(from, to).toLowerCase()
}

/** What the verb says, whatever `readOnly` does. */
function verbActivity(service: string, eventName: string): ApiActivity {
  if (CREATES.has(`${service} ${eventName}`)) return 1
  let verb = verbOf(eventName, 0)
  if (verb === 'batch' || verb === 'admin') verb = verbOf(eventName, verb.length)
  return VERBS[verb] ?? 99
}

function lookUp<T>(table: Readonly<Record<string, Readonly<Record<string, T>>>>, service: string, eventName: string): T | undefined {
  if (!Object.hasOwn(table, service)) return undefined
  const events = table[service]!
  return Object.hasOwn(events, eventName) ? events[eventName] : undefined
}

interface Named {
  /** Where the name alone decides. */
  readonly own: Route | undefined
  readonly api: Extract<Route, { readonly class: 'api_activity' }>
}

const named = remembered<Named>((eventSource = '', eventName = '') => {
  const dot = eventSource.indexOf('.')
  const service = dot < 0 ? eventSource : eventSource.slice(0, dot)
  const change = lookUp(ACCOUNT_CHANGE, service, eventName)
  const authentication = lookUp(AUTHENTICATION, service, eventName)
  return {
    own:
      change !== undefined
        ? { class: 'account_change', activity: change }
        : authentication !== undefined
          ? { class: 'authentication', activity: authentication }
          : undefined,
    api: { class: 'api_activity', activity: verbActivity(service, eventName) },
  }
})

const READ: Route = { class: 'api_activity', activity: 2 }
const SIGN_IN: Route = { class: 'authentication', activity: 99 }

/** The class and activity of an event, from its `eventSource`, `eventName`, `eventType` and `readOnly`. */
export function route(eventSource: string, eventName: string, eventType: string | undefined, readOnly: boolean | undefined): Route {
  const { own, api } = named(eventSource, eventName)
  if (own !== undefined) return own
  // AWS has written both AwsConsoleSignIn and AwsConsoleSignin
  if (eventType !== undefined && eventType.length === 16 && eventType.toLowerCase() === 'awsconsolesignin') return SIGN_IN
  // AWS's own word that nothing was changed, whatever the verb: GenerateDataKey
  return readOnly === true ? READ : api
}

/** The API activity of any event: for those whose class needs a user that the record does not name. */
export function apiRoute(eventSource: string, eventName: string, readOnly: boolean | undefined): ApiActivity {
  return readOnly === true ? 2 : named(eventSource, eventName).api.activity
}
