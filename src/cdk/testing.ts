/** What tests of the construct share: stacks, and templates that read well. */
import { rmSync } from 'node:fs'
import { Template } from 'aws-cdk-lib/assertions'
import { Code } from 'aws-cdk-lib/aws-lambda'
import { App, Stack } from 'aws-cdk-lib/core'
import { OcsfLake, type OcsfLakeProps } from './index.js'

export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Principal?: unknown
  readonly Resource: unknown
  readonly Condition?: unknown
}

export interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
  readonly DependsOn?: readonly string[]
}

export interface TemplateJson {
  readonly Resources: Readonly<Record<string, Resource>>
}

const INLINE: OcsfLakeProps['code'] = { code: Code.fromInline('exports.handler = async () => {}') }

function testStack(): Stack {
  // Synthesis fails where the template breaks the schemas or rules of CloudFormation.
  const app = new App({ context: { '@aws-cdk/core:validateAgainstDefaultRules': true } })
  return new Stack(app, 'Test', { env: { account: '123456789012', region: 'eu-central-1' } })
}

type Props = (stack: Stack) => Omit<OcsfLakeProps, 'code'>

/** A stack with one construct, `Lake`. */
export function made(props: Props): { readonly lake: OcsfLake; readonly stack: Stack } {
  const stack = testStack()
  return { stack, lake: new OcsfLake(stack, 'Lake', { code: INLINE, ...props(stack) }) }
}

export function templateOf(stack: Stack): TemplateJson {
  const template = Template.fromStack(stack).toJSON()
  rmSync(App.of(stack)!.outdir, { recursive: true, force: true }) // each has a folder of its own in that of the system
  return readable(template)
}

export function synthesised(props: Props = () => ({})): { readonly lake: OcsfLake; readonly template: TemplateJson } {
  const { lake, stack } = made(props)
  return { lake, template: templateOf(stack) }
}

/** Logical ids without their hashes, and references as `<Id>` or `<Id.Attribute>` in the text they are joined to. */
export function readable(template: unknown): TemplateJson {
  return JSON.parse(JSON.stringify(plain(template))) as TemplateJson // a template is made of these; undefined is gone
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [name, inner] = entries.length === 1 ? entries[0]! : []
  if (name === 'Ref') return `<${idOf(String(inner))}>`
  if (name === 'Fn::GetAtt' && Array.isArray(inner)) return `<${idOf(String(inner[0]))}.${inner[1]}>`
  if (name === 'Fn::Join' && Array.isArray(inner) && Array.isArray(inner[1])) return inner[1].map(plain).join(String(inner[0]))
  return Object.fromEntries(entries.map(([key, one]) => [idOf(key), plain(one)]))
}

/** Without the eight hexadecimal digits that the CDK appends. */
const idOf = (id: string): string => id.replace(/(?<=^[A-Za-z0-9]+)[0-9A-F]{8}$/, '')

export function resourcesOf({ Resources }: TemplateJson, type: string): Readonly<Record<string, Resource>> {
  return Object.fromEntries(Object.entries(Resources).filter(([, { Type }]) => Type === type))
}

/** The statements of a role: its own, and those of policies attached to it. */
export function statementsOf(template: TemplateJson, role: string): readonly Statement[] {
  const documentsOf = (properties: Resource['Properties']): readonly { PolicyDocument: { Statement: readonly Statement[] } }[] =>
    (properties.Policies ?? []) as never // what CloudFormation takes there
  const attached = Object.values(resourcesOf(template, 'AWS::IAM::Policy')).filter(
    ({ Properties: { Roles } }) => Array.isArray(Roles) && Roles.includes(`<${role}>`),
  )
  const own = template.Resources[role]
  const documents = [...(own === undefined ? [] : documentsOf(own.Properties)), ...documentsOf({ Policies: attached.map(({ Properties }) => Properties) })]
  return documents.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}
