import { describe, expect, it } from 'vitest'
import { covers, found, toggled } from './events'
import { makeSecret } from './secret'

describe('event types', () => {
  it.each([
    ['*', 'alert.fired', true],
    ['alert.*', 'alert.fired', true],
    ['alert.*', 'alertness.high', false],
    ['alert.fired', 'alert.*', false],
    ['alert.fired', 'alert.fired', true],
  ])('%s covers %s: %s', (pattern, type, expected) => expect(covers(pattern, type)).toBe(expected))

  it.each([
    [['*'], 'alert.fired', ['alert.fired']],
    [['alert.fired', 'host.lost'], 'alert.*', ['host.lost', 'alert.*']],
    [['alert.*'], 'alert.fired', ['alert.fired']],
    [['alert.fired', 'host.lost'], 'host.lost', ['alert.fired']],
    [['alert.fired'], 'alert.fired', ['*']],
    [['alert.fired'], '*', ['*']],
    [['*'], '*', ['*']],
  ])('%o and %s make %o', (chosen, type, expected) => expect(toggled(chosen, type)).toEqual(expected))

  it('are found by any part of their name', () => {
    expect(found(['*', 'alert.*', 'alert.fired', 'host.lost'], ' Alert')).toEqual(['alert.*', 'alert.fired'])
    expect(found(['*', 'host.lost'], '')).toEqual(['host.lost'])
  })
})

it('makes secrets that nobody guesses and that the server takes', () => {
  const secret = makeSecret()
  expect(secret).toMatch(/^[\w-]{43}$/)
  expect(makeSecret()).not.toBe(secret)
})
