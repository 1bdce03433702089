"""Conformance checks, for the environments of jaxenvs and for your own.

    import jaxenvs.testing
    jaxenvs.testing.check_env(MyEnv())

Or one test per check, which share their compiled programs through a `Subject`:

    subject = jaxenvs.testing.Subject(MyEnv())

    @pytest.mark.parametrize("check", jaxenvs.testing.CHECKS, ids=str)
    def test_conformance(check):
        check(subject)
"""

from jaxenvs.testing.conformance import CHECKS as CHECKS
from jaxenvs.testing.conformance import Check as Check
from jaxenvs.testing.conformance import ConformanceError as ConformanceError
from jaxenvs.testing.conformance import check_env as check_env
from jaxenvs.testing.subject import Subject as Subject
