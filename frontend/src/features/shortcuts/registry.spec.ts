import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'
import { startShortcuts, useCharacterKeys, useShortcuts, useShortcutsInForce, type Shortcut } from './registry'

let scope: EffectScope

function declare(keys: string, part: Partial<Shortcut> = {}) {
  const run = vi.fn()
  scope.run(() => useShortcuts([{ keys, label: () => keys, group: 'page', run, ...part }]))
  return run
}

function press(key: string, options: KeyboardEventInit = {}, target: EventTarget = document.body) {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options })
  target.dispatchEvent(event)
  return event
}

function show(html: string): HTMLElement {
  document.body.innerHTML = html
  return document.body.firstElementChild as HTMLElement
}

beforeEach(() => {
  scope = effectScope()
  scope.run(startShortcuts)
})
afterEach(() => {
  scope.stop()
  document.body.innerHTML = ''
})

describe('a key', () => {
  it('does what was declared, for as long as its page lives', () => {
    const run = declare('t')
    expect(press('t').defaultPrevented).toBe(true)
    expect(run).toHaveBeenCalledTimes(1)
    scope.stop()
    press('t')
    expect(run).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['with Ctrl', { ctrlKey: true }],
    ['with Alt', { altKey: true }],
    ['with Cmd', { metaKey: true }],
    ['with Shift', { shiftKey: true }],
    ['while a character is being composed', { isComposing: true }],
    ['that is held down', { repeat: true }],
  ])('%s is somebody else’s', (_, options) => {
    const run = declare('t')
    expect(press('t', options).defaultPrevented).toBe(false)
    expect(run).not.toHaveBeenCalled()
  })

  it('may need Shift to be typed, and does not care for Caps Lock', () => {
    const help = declare('?')
    const theme = declare('t')
    press('?', { shiftKey: true })
    press('T')
    expect([help.mock.calls.length, theme.mock.calls.length]).toEqual([1, 1])
  })

  it.each([
    ['<input>', 0],
    ['<input type="search">', 0],
    ['<textarea></textarea>', 0],
    ['<select></select>', 0],
    ['<input type="checkbox">', 1],
    ['<button></button>', 1],
  ])('pressed in %s runs %d times', (html, times) => {
    const run = declare('t')
    press('t', {}, show(html))
    expect(run).toHaveBeenCalledTimes(times)
  })

  it('rests while a dialog is open', () => {
    const run = declare('t')
    const palette = declare('mod+k', { everywhere: true })
    show('<div role="dialog"></div>')
    press('t')
    press('k', { ctrlKey: true })
    expect([run.mock.calls.length, palette.mock.calls.length]).toEqual([0, 1])
  })

  it('belongs to the page before it belongs to the shell', () => {
    const shell = declare('/')
    const page = declare('/')
    press('/')
    expect([shell.mock.calls.length, page.mock.calls.length]).toEqual([0, 1])
  })

  it('is left alone when it has nothing to do', () => {
    declare('Escape', { run: () => false })
    expect(press('Escape').defaultPrevented).toBe(false)
  })

  it('may repeat', () => {
    const run = declare('j', { repeats: true })
    press('j', { repeat: true })
    expect(run).toHaveBeenCalledTimes(1)
  })
})

describe('one key after the other', () => {
  it('is a shortcut of its own', () => {
    const go = declare('g d')
    const d = declare('d')
    press('g')
    press('d')
    expect([go.mock.calls.length, d.mock.calls.length]).toEqual([1, 0])
  })

  it('may start over', () => {
    const go = declare('g d')
    for (const key of ['g', 'g', 'd']) press(key)
    expect(go).toHaveBeenCalledTimes(1)
  })

  it('does not wait for ever', () => {
    const go = declare('g d')
    vi.spyOn(Event.prototype, 'timeStamp', 'get').mockReturnValueOnce(1000).mockReturnValueOnce(9000)
    press('g')
    press('d')
    expect(go).not.toHaveBeenCalled()
  })
})

it('lists what is in force, and single keys can be switched off', () => {
  const theme = declare('t')
  declare('mod+k')
  declare('Escape')
  const [characters, inForce] = scope.run(() => [useCharacterKeys(), useShortcutsInForce()] as const)!
  expect(inForce.value.map(({ keys }) => keys)).toEqual(['t', 'mod+k', 'Escape'])
  characters.value = false
  press('t')
  expect(theme).not.toHaveBeenCalled()
  expect(inForce.value.map(({ keys }) => keys)).toEqual(['mod+k', 'Escape'])
  characters.value = true
})
