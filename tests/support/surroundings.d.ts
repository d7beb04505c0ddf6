// What programs have around them besides the vendors' packages, as far as those of the tests use it.

declare module 'events' {
  // Source: Node's documentation of EventEmitter; twilio-video's classes extend it.
  export class EventEmitter {
    addListener(event: string | symbol, listener: (...given: any[]) => void): this;
    emit(event: string | symbol, ...given: any[]): boolean;
    eventNames(): (string | symbol)[];
    getMaxListeners(): number;
    listenerCount(event: string | symbol): number;
    listeners(event: string | symbol): Function[];
    off(event: string | symbol, listener: (...given: any[]) => void): this;
    on(event: string | symbol, listener: (...given: any[]) => void): this;
    once(event: string | symbol, listener: (...given: any[]) => void): this;
    prependListener(event: string | symbol, listener: (...given: any[]) => void): this;
    prependOnceListener(event: string | symbol, listener: (...given: any[]) => void): this;
    rawListeners(event: string | symbol): Function[];
    removeAllListeners(event?: string | symbol): this;
    removeListener(event: string | symbol, listener: (...given: any[]) => void): this;
    setMaxListeners(count: number): this;
  }
  export default EventEmitter;
}

declare module 'react' {
  export type Set<State> = (next: State | ((before: State) => State)) => void;
  export interface Context<Value> {
    Provider(given: { value: Value; children?: unknown }): any;
  }
  export interface MutableRefObject<Value> { current: Value }
  export interface RefObject<Value> { readonly current: Value | null }
  export type ReactNode = any;
  export type FC<Props = {}> = (given: Props) => any;
  export class Component<Props = any, State = any> {
    constructor(props: Props);
    props: Props & { children?: unknown };
    state: State;
    setState(change: Partial<State> | ((before: State, props: Props) => Partial<State>)): void;
  }
  export function createContext<Value>(first: Value): Context<Value>;
  export function createRef<Value>(): RefObject<Value>;
  export function useCallback<Given extends (...given: any[]) => any>(call: Given, on: unknown[]): Given;
  export function useContext<Value>(context: Context<Value>): Value;
  export function useEffect(effect: () => void | (() => void), on?: unknown[]): void;
  export function useMemo<Value>(make: () => Value, on: unknown[]): Value;
  export function useRef<Value>(first: Value): MutableRefObject<Value>;
  export function useRef<Value>(first: Value | null): RefObject<Value>;
  export function useRef<Value = undefined>(): MutableRefObject<Value | undefined>;
  export function useState<State>(first: State | (() => State)): [State, Set<State>];
  export function useState<State = undefined>(): [State | undefined, Set<State | undefined>];
  const React: { [name: string]: any };
  export default React;
}

declare namespace JSX {
  interface IntrinsicElements { [tag: string]: any }
  interface IntrinsicAttributes { key?: unknown }
  interface ElementAttributesProperty { props: unknown }
}

declare module '@angular/core' {
  export function Component(given: object): any;
  export function ViewChild(name: string): any;
  export function Injectable(given?: object): any;
}

declare function require(module: string): any;
declare var module: any;
declare var exports: any;
declare var process: any;
declare var $: any;

// The SDK of a page's script element.
declare var Twilio: { Video: typeof import('twilio-video') };
interface Window { Twilio: typeof Twilio }
