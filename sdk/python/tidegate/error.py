"""An error is a sentence for the operator."""


class Error(Exception):
    """Why a configuration or a batch was refused."""

    def __init__(self, problem, key=None):
        super().__init__(f"{key}: {problem}" if key else problem)
        self.problem, self.key = problem, key

    @classmethod
    def at(cls, key, problem):
        """An error at a key of the configuration, such as `rules[2].route`."""
        return cls(problem, key)
