import { afterEach, describe, expect, it } from 'vitest'
import { useChoice, useChoices } from './choices'

afterEach(() => localStorage.clear())

describe('a choice', () => {
  it('is remembered and shared', () => {
    const mine = useChoice('spec.size', ['small', 'large'], 'small')
    const yours = useChoice('spec.size', ['small', 'large'], 'small')
    expect(yours.value).toBe('small')
    mine.value = 'large'
    expect(yours.value).toBe('large')
    expect(localStorage.getItem('tocsin.spec.size')).toBe('large')
  })

  it('that nobody can make any more is forgotten', () => {
    localStorage.setItem('tocsin.spec.gone', 'huge')
    expect(useChoice('spec.gone', ['small', 'large'], 'small').value).toBe('small')
  })
})

it('of several keeps their order, and none is an answer', () => {
  const chosen = useChoices('spec.parts', ['a', 'b', 'c'], ['a', 'b'])
  expect(chosen.value).toEqual(['a', 'b'])
  chosen.value = ['c', 'a']
  expect(chosen.value).toEqual(['a', 'c'])
  chosen.value = []
  expect(chosen.value).toEqual([])
  expect(localStorage.getItem('tocsin.spec.parts')).toBe('')
})
