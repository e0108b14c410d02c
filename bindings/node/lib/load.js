'use strict';
// The addon: of the platform's package, or where GRATING_ADDON says (a build of one's own).
const { platform, arch } = process;

function load() {
  if (process.env.GRATING_ADDON) return require(process.env.GRATING_ADDON);
  const name = `@grating/${platform}-${arch}`;
  try {
    return require(`${name}/lib/grating.node`);
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error(`grating: there is no package ${name}; install with optional dependencies, ` +
      'or build the addon and name it in GRATING_ADDON', { cause: error });
  }
}

module.exports = load();
