import { expect, it } from 'vitest'
import { rank } from './rank'

it('prefers the start of a name, then the start of a word, then anything', () => {
  expect([rank('api-1', 'api'), rank('shop-api', 'api'), rank('rapid', 'api'), rank('a-p-i', 'api'), rank('db', 'api')]).toEqual([
    0, 1, 2, 3, null,
  ])
})
