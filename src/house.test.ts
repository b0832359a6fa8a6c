/** Keeps the rules of docs/architecture.md: import direction, one owner per dependency, doors that exist. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { VERSION } from './version.js'

const root = fileURLToPath(new URL('.', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, '../package.json'), 'utf8')) as {
  version: string
  type: string
  sideEffects: boolean
  engines: { node: string }
  exports: Record<string, unknown>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  files: string[]
}

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? walk(path) : [path]
  })
}
const files = walk(root)
  .filter(path => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map(path => relative(root, path))
const sources = files.filter(path => !/(\.test|\/testing)\.ts$/.test(path) && !path.includes('generated/'))

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  const found = [...text.matchAll(/(?:^|\n)\s*(?:import|export)[^'"\n]*?(?:\{[^}]*\}[^'"\n]*)?from\s+'([^']+)'|import\('([^']+)'\)|\nimport '([^']+)'/g)]
  return found.map(match => (match[1] ?? match[2] ?? match[3])!)
}

/** The room of a file: its folder, or its own name for the files at the top. */
const roomOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, ''))
const target = (from: string, specifier: string) => relative(root, join(root, from, '..', specifier)).replace(/\.js$/, '.ts')

/** What a room may import besides itself. Errors, JSON, rows, SHA-256 and the version belong to all. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  decode: [],
  ocsf: [],
  sources: ['decode', 'ocsf'],
  convert: ['sources', 'ocsf', 'decode'],
  recognise: ['sources', 'decode'],
  parquet: ['ocsf'],
  lake: ['parquet', 'ocsf', 'convert', 'recognise'],
  node: ['lake', 'parquet', 'ocsf', 'decode', 'sources', 'convert', 'recognise'],
  cdk: ['node', 'lake'],
  index: ['decode', 'ocsf', 'sources', 'convert', 'recognise'],
}

describe('the house', () => {
  it('imports in one direction', () => {
    const wrong = sources.flatMap(path => {
      const room = roomOf(path)
      const allowed = [...(MAY_IMPORT[room] ?? []), room, 'errors', 'json', 'rows', 'sha256', 'version']
      return importsOf(path)
        .filter(specifier => specifier.startsWith('.'))
        .map(specifier => target(path, specifier))
        .filter(to => !allowed.includes(roomOf(to)))
        .map(to => `${path} imports ${to}`)
    })
    expect(wrong).toEqual([])
  })

  it('touches the world only in node, and in cdk, which runs where a stack is made', () => {
    const wrong = sources.filter(path => !['node', 'cdk'].includes(roomOf(path)) && importsOf(path).some(specifier => specifier.startsWith('node:')))
    expect(wrong).toEqual([])
  })

  it('gives each third-party package one owning file, two at most; those of the CDK a room', () => {
    const owners = new Map<string, Set<string>>()
    for (const path of sources) {
      for (const specifier of importsOf(path)) {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
        owners.set(name, (owners.get(name) ?? new Set()).add(roomOf(path) === 'cdk' ? 'cdk' : path))
      }
    }
    expect([...owners.keys()].sort()).toEqual([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].sort())
    for (const [name, paths] of owners) expect([...paths], name).toHaveLength(Math.min(paths.size, 2))
  })

  it('loads AWS clients only when they are asked for', () => {
    const eager = sources.filter(path =>
      /^(?:import|export)(?! type)[^'\n]*(?:\{[^}]*\}[^'\n]*)?from '@aws-sdk\//m.test(readFileSync(join(root, path), 'utf8')),
    )
    expect(eager).toEqual([])
  })

  it('has no room for leftovers', () => {
    expect(files.filter(path => /(^|\/)(utils?|common|helpers?|shared|misc)(\/|\.ts$)/.test(path))).toEqual([])
  })

  it('holds sources, their contract and their list at the top of sources, and what AWS sources share below', () => {
    const top = sources.filter(path => /^sources\/[^/]+\.ts$/.test(path) && !['sources/source.ts', 'sources/all.ts', 'sources/index.ts'].includes(path))
    for (const path of top) expect(existsSync(join(root, '../fixtures', path.slice('sources/'.length, -3))), path).toBe(true)
  })

  it('says the same version everywhere', () => {
    expect(VERSION).toBe(manifest.version)
  })

  it('is an ES module package without side effects', () => {
    expect(manifest).toMatchObject({ type: 'module', sideEffects: false, engines: { node: '>=20.19' } })
    expect(Object.keys(manifest.exports)).toEqual([
      '.',
      './sources',
      './sources/*',
      './parquet',
      './arrow',
      './lake',
      './node',
      './lambda',
      './cdk',
      './schemas/*',
      './package.json',
    ])
  })
})
