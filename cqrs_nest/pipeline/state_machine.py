"""The command state machine in Amazon States Language, as it is deployed."""

from __future__ import annotations

from importlib.resources import files

FUNCTION_PLACEHOLDER = "${LambdaFunctionArn}"


def command_state_machine(function_arn: str = FUNCTION_PLACEHOLDER) -> str:
    """The definition of the state machine that applies one command, for `SFN_COMMAND_ARN`.

    `function_arn` is the Lambda function of `create_handler`; without it a placeholder stands there.

    >>> "arn:aws:lambda:eu-west-1:123456789012:function:todo" in command_state_machine(
    ...     "arn:aws:lambda:eu-west-1:123456789012:function:todo"
    ... )
    True
    """
    definition = files("cqrs_nest.pipeline").joinpath("command_state_machine.json").read_text()
    return definition.replace(FUNCTION_PLACEHOLDER, function_arn)
