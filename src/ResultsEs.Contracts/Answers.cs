namespace ResultsEs.Contracts;

/// <summary>WRITTEN: open-ended text.</summary>
public sealed record WrittenAnswer : Answer
{
    /// <summary>What the participant wrote, at most 100,000 characters.</summary>
    public required string Text { get; init; }
}

/// <summary>
/// VERBAL: a spoken response. Its transcript comes as <see cref="VerbalResponseTranscribed"/>, which wins over a text
/// that the answer itself brings.
/// </summary>
public sealed record VerbalAnswer : Answer
{
    /// <summary>The transcript, where the recorder has one at once.</summary>
    public string? Text { get; init; }

    /// <summary>The language spoken, as a BCP 47 tag.</summary>
    public string? Language { get; init; }

    /// <summary>The transcript in timed pieces.</summary>
    public IReadOnlyList<Cue>? Cues { get; init; }
}

/// <summary>The outcome of a navigation or prototype task.</summary>
[JsonConverter(typeof(WireEnumConverter<TaskOutcome>))]
public enum TaskOutcome
{
    /// <summary><c>UNKNOWN</c></summary>
    Unknown,

    /// <summary><c>SUCCESS</c></summary>
    Success,

    /// <summary><c>FAILURE</c></summary>
    Failure,
}

/// <summary>URL: a navigation task.</summary>
public sealed record UrlAnswer : Answer
{
    /// <summary>Where the task began.</summary>
    public required string Url { get; init; }

    /// <summary>Whether the participant arrived.</summary>
    public required TaskOutcome Outcome { get; init; }

    /// <summary>Where the participant ended.</summary>
    public string? FinalUrl { get; init; }

    /// <summary>The pages on the way.</summary>
    public IReadOnlyList<UrlVisit>? Visits { get; init; }
}

/// <summary>A page the participant visited.</summary>
public sealed record UrlVisit : EventPart
{
    /// <summary>The page.</summary>
    public required string Url { get; init; }

    /// <summary>When, milliseconds since the session's start.</summary>
    public required long AtMs { get; init; }
}

/// <summary>MATRIX: rating selections in several rows.</summary>
public sealed record MatrixAnswer : Answer
{
    /// <summary>The rows in the order shown.</summary>
    public required IReadOnlyList<MatrixRow> Rows { get; init; }
}

/// <summary>A row of a matrix.</summary>
public sealed record MatrixRow : EventPart
{
    /// <summary>The row, unique in the matrix.</summary>
    public required string Id { get; init; }

    /// <summary>The row as the participant read it.</summary>
    public required string Label { get; init; }

    /// <summary>The columns the participant chose in it.</summary>
    public required IReadOnlyList<MatrixSelection> Selections { get; init; }
}

/// <summary>A chosen column.</summary>
public sealed record MatrixSelection : EventPart
{
    /// <summary>The column, unique in the row's selections.</summary>
    public required string Id { get; init; }

    /// <summary>The column as the participant read it.</summary>
    public required string Label { get; init; }

    /// <summary>What the column counts as.</summary>
    public decimal? Value { get; init; }
}

/// <summary>NPS: how likely the participant is to recommend.</summary>
public sealed record NpsAnswer : Answer
{
    /// <summary>0–10.</summary>
    public required int Score { get; init; }
}

/// <summary>RATING_SCALE: one rating on a scale.</summary>
public sealed record RatingScaleAnswer : Answer
{
    /// <summary>The rating, from <see cref="Min"/> to <see cref="Max"/>.</summary>
    public required decimal Value { get; init; }

    /// <summary>The scale's lower end.</summary>
    public required decimal Min { get; init; }

    /// <summary>The scale's upper end, above <see cref="Min"/>.</summary>
    public required decimal Max { get; init; }

    /// <summary>What stands at the lower end.</summary>
    public string? MinLabel { get; init; }

    /// <summary>What stands at the upper end.</summary>
    public string? MaxLabel { get; init; }
}

/// <summary>MULTIPLE_CHOICE: one or several choices.</summary>
public sealed record MultipleChoiceAnswer : Answer
{
    /// <summary>Whether several options may be chosen.</summary>
    public required bool MultiSelect { get; init; }

    /// <summary>Whether the options were shown in random order.</summary>
    public required bool RandomizedOptions { get; init; }

    /// <summary>How many options may be chosen at most.</summary>
    public int? MaxLimit { get; init; }

    /// <summary>The options in the order shown.</summary>
    public required IReadOnlyList<ChoiceOption> Options { get; init; }

    /// <summary>What the participant wrote under "other".</summary>
    public string? OtherText { get; init; }
}

/// <summary>An option of a multiple choice.</summary>
public sealed record ChoiceOption : EventPart
{
    /// <summary>The option, unique in the task.</summary>
    public required string Id { get; init; }

    /// <summary>The option as the participant read it.</summary>
    public required string Text { get; init; }

    /// <summary>Whether it was chosen.</summary>
    public required bool Selected { get; init; }
}

/// <summary>RANK_ORDER: options brought into an order.</summary>
public sealed record RankOrderAnswer : Answer
{
    /// <summary>The options; their ranks are a permutation of 1…n.</summary>
    public required IReadOnlyList<RankedOption> Ranking { get; init; }
}

/// <summary>An option with its rank.</summary>
public sealed record RankedOption : EventPart
{
    /// <summary>1 is first.</summary>
    public required int Rank { get; init; }

    /// <summary>The option, unique in the task.</summary>
    public required string Id { get; init; }

    /// <summary>The option as the participant read it.</summary>
    public required string Text { get; init; }
}

/// <summary>BLANK: completed without a response.</summary>
public sealed record BlankAnswer : Answer;

/// <summary>IMAGE: annotations on an image.</summary>
public sealed record ImageAnswer : Answer
{
    /// <summary>The image.</summary>
    public required string ImageUrl { get; init; }

    /// <summary>The annotations in the order made.</summary>
    public required IReadOnlyList<ImageAnnotation> Annotations { get; init; }
}

/// <summary>A mark on an image; positions and sizes are fractions (0–1) of the image's width and height.</summary>
public sealed record ImageAnnotation : EventPart
{
    /// <summary>From the left, 0–1.</summary>
    public required decimal X { get; init; }

    /// <summary>From the top, 0–1.</summary>
    public required decimal Y { get; init; }

    /// <summary>0–1.</summary>
    public decimal? Width { get; init; }

    /// <summary>0–1.</summary>
    public decimal? Height { get; init; }

    /// <summary>What the participant remarked.</summary>
    public string? Comment { get; init; }
}

/// <summary>
/// FIGMA: a task in a Figma prototype. What the participant did there comes as <see cref="FigmaInteractionRecorded"/>;
/// counts, path, start and end node and duration are derived from those and never sent.
/// </summary>
public sealed record FigmaAnswer : Answer
{
    /// <summary>The prototype.</summary>
    public required string PrototypeUrl { get; init; }

    /// <summary>The prototype's name.</summary>
    public string? FigmaPrototypeTitle { get; init; }

    /// <summary>How the prototype was scaled, in Figma's words.</summary>
    public string? FigmaPrototypeDisplaySetting { get; init; }

    /// <summary>Whether the participant reached the goal.</summary>
    public TaskOutcome? Outcome { get; init; }
}
