"""`Test.create_testing_module(...)`: an application, or a part of one, with replaced providers."""

from cqrs_nest.testing.builder import TestingModuleBuilder
from cqrs_nest.testing.module import TestingModule
from cqrs_nest.testing.test import Test

__all__ = ["Test", "TestingModule", "TestingModuleBuilder"]
