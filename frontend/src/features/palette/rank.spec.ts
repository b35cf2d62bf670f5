import { describe, expect, it } from 'vitest'
import { rank, select } from './rank'

it('prefers the start of a name, then the start of a word, then anything', () => {
  expect([rank('api-1', 'api'), rank('shop-api', 'api'), rank('rapid', 'api'), rank('a-p-i', 'api'), rank('db', 'api')]).toEqual([
    0, 1, 2, 3, null,
  ])
})

it('does not mind accents', () => expect(rank('Thème : sombre', 'theme')).toBe(0))

describe('what the palette shows', () => {
  const choices = [
    { key: 'a', kind: 'page' as const, name: 'Dashboard' },
    { key: 'b', kind: 'group' as const, name: 'Group shop' },
    { key: 'c', kind: 'container' as const, name: 'shop-api' },
    { key: 'd', kind: 'container' as const, name: 'shop-db' },
  ]
  const show = (typed: string, recent: string[]) =>
    select(choices, typed, recent).map(({ name, start, choices }) => [name, start, ...choices.map(({ key }) => key)])

  it('begins with what was chosen lately, and shows nothing twice', () => {
    expect(show('', ['d', 'gone'])).toEqual([
      ['recent', 0, 'd'],
      ['page', 1, 'a'],
      ['group', 2, 'b'],
      ['container', 3, 'c'],
    ])
  })

  it('is one list once something is typed; lately chosen wins among equals', () => {
    expect(show('shop', ['d'])).toEqual([['found', 0, 'd', 'c', 'b']])
    expect(show('zebra', [])).toEqual([])
  })

  it('stays short', () => {
    const many = Array.from({ length: 99 }, (_, index) => ({ key: `${index}`, kind: 'container' as const, name: `c${index}` }))
    expect(select(many, '', [])[0]?.choices).toHaveLength(30)
  })
})
