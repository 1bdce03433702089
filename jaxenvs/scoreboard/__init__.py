"""The scoreboard: submissions of recorded episodes, which the scoreboard plays again and scores itself."""

from jaxenvs.scoreboard.challenge import Challenge as Challenge
from jaxenvs.scoreboard.challenge import public_challenge as public_challenge
from jaxenvs.scoreboard.challenge import secret_challenge as secret_challenge
from jaxenvs.scoreboard.packing import pack as pack
from jaxenvs.scoreboard.playing import play as play
from jaxenvs.scoreboard.policies import export_policy as export_policy
from jaxenvs.scoreboard.scoring import Curve as Curve
from jaxenvs.scoreboard.scoring import Score as Score
from jaxenvs.scoreboard.scoring import Summary as Summary
from jaxenvs.scoreboard.scoring import learning_curve as learning_curve
from jaxenvs.scoreboard.scoring import score as score
from jaxenvs.scoreboard.scoring import seed_means as seed_means
from jaxenvs.scoreboard.scoring import summarize as summarize
from jaxenvs.scoreboard.submission import Author as Author
from jaxenvs.scoreboard.submission import Checkpoints as Checkpoints
from jaxenvs.scoreboard.submission import Episodes as Episodes
from jaxenvs.scoreboard.submission import Submission as Submission
from jaxenvs.scoreboard.submitting import policy_submission as policy_submission
from jaxenvs.scoreboard.submitting import prepare as prepare
from jaxenvs.scoreboard.submitting import read_entry as read_entry
from jaxenvs.scoreboard.submitting import submit as submit
from jaxenvs.scoreboard.verification import Rules as Rules
from jaxenvs.scoreboard.verification import Verdict as Verdict
from jaxenvs.scoreboard.verification import verify as verify
