import grating from './index.js';

export const { Engine, Model, Result, models, version } = grating;
export default grating;
