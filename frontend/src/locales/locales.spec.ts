import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from './en.json'
import fr from './fr.json'

function flatten(node: object, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries(node)) {
    const key = prefix + name
    if (typeof value === 'string') found.set(key, value)
    else for (const entry of flatten(value as object, `${key}.`)) found.set(...entry)
  }
  return found
}

const english = flatten(en)
const french = flatten(fr)
const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort()

describe('the texts', () => {
  it('has every text in both languages', () => {
    expect([...french.keys()].sort()).toEqual([...english.keys()].sort())
  })

  it.each([...english])('uses the same values in %s', (key, text) => {
    expect(placeholders(french.get(key) ?? '')).toEqual(placeholders(text))
    expect((french.get(key) ?? '').split(' | ')).toHaveLength(text.split(' | ').length)
  })

  it('has a text for every key that the code names in full', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!spec)\.(vue|ts)$/.test(name))
    const named = files.flatMap((name) =>
      [...readFileSync(join('src', name), 'utf8').matchAll(/\bt\('([\w.]+)'/g)].map((match) => match[1] ?? ''),
    )
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter((key) => !english.has(key))).toEqual([])
  })
})
