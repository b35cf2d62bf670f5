import { expect, it } from 'vitest'
import { flatten, mergeGroups } from './group'

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
