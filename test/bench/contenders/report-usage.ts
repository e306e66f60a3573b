import { serve } from '../child.ts';
import { ownUsage } from './own-usage.ts';

/** Preloaded into a program that is not ours, so that it can be measured as the others are. */

const service = ownUsage;
export type UsageService = typeof service;
serve(service);
