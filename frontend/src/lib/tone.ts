import type { ContainerState, HealthStatus } from '@/api/types'

/** The colours of states: fine, needs a hand, on its way, resting. */
export type Tone = 'ok' | 'bad' | 'warn' | 'info' | 'idle'

const STATE_TONES: Record<ContainerState, Tone> = {
  running: 'ok',
  completed: 'idle',
  exited: 'bad',
  restarting: 'warn',
  paused: 'info',
  created: 'info',
  dead: 'bad',
}

export function stateTone(state: ContainerState, exitCode: number | null = null): Tone {
  return state === 'exited' && exitCode === 0 ? 'idle' : STATE_TONES[state]
}

const HEALTH_TONES: Record<HealthStatus, Tone> = { healthy: 'ok', unhealthy: 'bad', starting: 'info' }

export function healthTone(health: HealthStatus): Tone {
  return HEALTH_TONES[health]
}
