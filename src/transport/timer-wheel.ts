import { LONGEST_TIMER_MS } from "../core/clock.ts";
import { now } from "../core/deadline.ts";

const SLOTS = 1024;
/** The list of what is due now. */
const DUE = SLOTS;
/** How late an alarm may be, in milliseconds; it is never early. */
const TICK_MS = 4;
/** Later than this, and the event loop stood still. */
const LATE_MS = 2 * TICK_MS;

/** What a wheel wakes. Make one and keep it; the wheel uses its fields. */
export abstract class Alarm {
  /** On the clock of `now()`. */
  deadline: number = Number.POSITIVE_INFINITY;
  /** @internal the neighbours in the list of its slot */
  next: Alarm | undefined;
  /** @internal */
  previous: Alarm | undefined;
  /** @internal -1 while it is in no slot */
  slot = -1;

  /** Called once the deadline has passed. */
  abstract ring(): void;
}

export interface TimerWheelOptions {
  /** True where what is set holds the process, as a Node timer does; false by default. */
  readonly holds?: boolean | undefined;
}

/**
 * Deadlines for very many calls, of which most end long before. Setting and clearing one costs a few writes; Node's own
 * timer is touched only when the earliest deadline of all comes nearer. It holds the process only where it is asked to,
 * while anything is set. Where it wakes late, because the event loop stood still, the sockets are read before anything
 * rings: what was awaited may be in them.
 */
export class TimerWheel {
  readonly #heads: (Alarm | undefined)[] = new Array(SLOTS + 1).fill(undefined);
  #count = 0;
  /** The tick up to which every slot has been seen. */
  #seen = 0;
  #timer: NodeJS.Timeout | undefined;
  #wakeTick = Number.POSITIVE_INFINITY;
  readonly #holds: boolean;

  constructor({ holds = false }: TimerWheelOptions = {}) {
    this.#holds = holds;
  }

  set(alarm: Alarm, deadline: number): void {
    if (alarm.slot >= 0) this.clear(alarm);
    alarm.deadline = deadline;
    if (this.#count === 0) this.#seen = Math.floor(now() / TICK_MS) - 1;
    // A slot that has been seen comes round again only much later.
    const tick = Math.max(Math.ceil(deadline / TICK_MS), this.#seen + 1);
    this.#link(alarm, tick % SLOTS);
    if (tick < this.#wakeTick) this.#wakeAt(tick);
  }

  clear(alarm: Alarm): void {
    if (alarm.slot < 0) return;
    if (alarm.previous === undefined) this.#heads[alarm.slot] = alarm.next;
    else alarm.previous.next = alarm.next;
    if (alarm.next !== undefined) alarm.next.previous = alarm.previous;
    alarm.next = undefined;
    alarm.previous = undefined;
    alarm.slot = -1;
    this.#count--;
    if (this.#count === 0 && this.#holds) this.#timer?.unref();
  }

  #link(alarm: Alarm, slot: number): void {
    const head = this.#heads[slot];
    alarm.next = head;
    if (head !== undefined) head.previous = alarm;
    this.#heads[slot] = alarm;
    alarm.slot = slot;
    this.#count++;
    if (this.#count === 1 && this.#holds) this.#timer?.ref();
  }

  #wakeAt(tick: number): void {
    clearTimeout(this.#timer);
    this.#wakeTick = tick;
    const delayMs = Math.ceil(tick * TICK_MS - now());
    this.#timer = setTimeout(this.#wake, Math.min(Math.max(1, delayMs), LONGEST_TIMER_MS));
    if (!this.#holds || this.#count === 0) this.#timer.unref();
  }

  readonly #wake = (): void => {
    if (now() - this.#wakeTick * TICK_MS > LATE_MS) setImmediate(this.#ringDue);
    else this.#ringDue();
  };

  readonly #ringDue = (): void => {
    this.#wakeTick = Number.POSITIVE_INFINITY;
    const time = now();
    const tick = Math.floor(time / TICK_MS);
    // Every slot holds deadlines of this round and of later ones, so one round through all slots is the most.
    const first = Math.max(this.#seen + 1, tick - SLOTS + 1);
    this.#seen = tick;
    for (let each = first; each <= tick; each++) this.#collect(each % SLOTS, time);
    for (let due = this.#heads[DUE]; due !== undefined; due = this.#heads[DUE]) {
      this.clear(due);
      due.ring();
    }
    const next = this.#nextTick(tick);
    if (next < this.#wakeTick) this.#wakeAt(next);
  };

  #collect(slot: number, time: number): void {
    for (let alarm = this.#heads[slot]; alarm !== undefined; ) {
      const { next } = alarm;
      if (alarm.deadline <= time) {
        this.clear(alarm);
        this.#link(alarm, DUE);
      }
      alarm = next;
    }
  }

  /** The next tick whose slot holds anything, though it may hold only what is due in a later round. */
  #nextTick(from: number): number {
    if (this.#count === 0) return Number.POSITIVE_INFINITY;
    for (let ahead = 1; ahead <= SLOTS; ahead++) {
      if (this.#heads[(from + ahead) % SLOTS] !== undefined) return from + ahead;
    }
    return Number.POSITIVE_INFINITY;
  }
}
