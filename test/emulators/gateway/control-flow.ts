import { runSteps } from './exchange.ts';
import { attributesOf, compileCondition, compileValue, elementsOf, reject, type Statement } from './statement.ts';

/** `choose`: the first `when` whose condition holds, else `otherwise`. */
export const choose: Statement = {
  sections: ['inbound', 'backend', 'outbound', 'on-error'],
  compile(element, _environment, children) {
    attributesOf(element, []);
    const branches = elementsOf(element).map((branch, index, all) => {
      if (branch.name === 'when') {
        const { condition } = attributesOf(branch, ['condition']);
        return { holds: compileCondition(branch, condition), steps: children(branch) };
      }
      if (branch.name !== 'otherwise' || index === 0 || index !== all.length - 1) {
        return reject(branch, 'not allowed here');
      }
      attributesOf(branch, []);
      return { holds: () => true, steps: children(branch) };
    });
    if (branches.length === 0) reject(element, 'at least one <when> is required');
    return (exchange) => {
      const branch = branches.find(({ holds }) => holds(exchange));
      return branch === undefined ? 'continue' : runSteps(branch.steps, exchange);
    };
  },
};

/** `set-variable`: a literal becomes a string. */
export const setVariable: Statement = {
  sections: ['inbound', 'backend', 'outbound', 'on-error'],
  compile(element) {
    const { name, value } = attributesOf(element, ['name', 'value']);
    if (elementsOf(element).length > 0) reject(element, 'takes no child elements');
    const read = compileValue(element, value);
    return (exchange) => {
      exchange.variables.set(name, read(exchange));
      return 'continue';
    };
  },
};

/** `base`: the same section of the policies of the scopes around this one. */
export const base: Statement = {
  sections: ['inbound', 'backend', 'outbound', 'on-error'],
  compile(element, environment, _children, section) {
    attributesOf(element, []);
    if (elementsOf(element).length > 0) reject(element, 'takes no child elements');
    return (exchange) => runSteps(environment.base[section], exchange);
  },
};
