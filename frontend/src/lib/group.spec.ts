import { expect, it } from 'vitest'
import { flatten, mergeGroups, nextStop } from './group'

const items = (...ids: number[]) => ids.map((id) => ({ id }))

it('joins a group that was split over two pages', () => {
  const merged = mergeGroups([
    { name: 'shop', items: items(1, 2) },
    { name: 'media', items: items(3) },
    { name: 'shop', items: items(4) },
  ])
  expect(merged.map(({ name, items }) => [name, items.length])).toEqual([
    ['shop', 3],
    ['media', 1],
  ])
})

it('lists only the header of a closed group', () => {
  const groups = [
    { name: 'shop', items: items(1, 2) },
    { name: 'media', items: items(3) },
  ]
  const rows = flatten(groups, new Set(['shop']))
  expect(rows.map((row) => row.key)).toEqual(['group:shop', 'group:media', 'item:3'])
})

it('steps from item to item over the headers', () => {
  const rows = flatten(
    [
      { name: 'shop', items: items(1) },
      { name: 'media', items: items(2) },
    ],
    new Set<string>(),
  )
  const next = (from: number, by: 1 | -1) => nextStop(rows, from, by, (row) => row.kind === 'item')
  expect([next(-1, 1), next(1, 1), next(3, 1), next(3, -1), next(1, -1)]).toEqual([1, 3, null, 1, null])
})
