using System.Text.Json.Serialization;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>MATRIX: rating selections in several rows.</summary>
public sealed record MatrixAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "MATRIX";

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

internal sealed record MatrixPayload(IReadOnlyList<MatrixRow> Rows);

internal sealed class MatrixAnswerValidator : WireValidator<MatrixAnswer>
{
    public MatrixAnswerValidator()
    {
        RuleFor(x => x.Rows).NotEmpty().WithMessage("must have at least one row").DistinctBy(row => row.Id, "row ids");
        RuleForEach(x => x.Rows).ChildRules(row =>
        {
            row.RuleFor(x => x.Id).ShortId();
            row.RuleFor(x => x.Label).FreeText();
            row.RuleFor(x => x.Selections).DistinctBy(selection => selection.Id, "selection ids");
            row.RuleForEach(x => x.Selections).ChildRules(selection =>
            {
                selection.RuleFor(x => x.Id).ShortId();
                selection.RuleFor(x => x.Label).FreeText();
            });
        });
    }
}

[JsonSerializable(typeof(MatrixAnswer))]
[JsonSerializable(typeof(MatrixPayload))]
internal sealed partial class MatrixJson : JsonSerializerContext;

internal static class Matrix
{
    public static TaskType TaskType { get; } = new TaskType<MatrixAnswer, MatrixPayload>
    {
        Name = "MATRIX",
        V3Type = "MATRIX",
        V3Key = "matrix",
        Context = MatrixJson.Default,
        Validator = new MatrixAnswerValidator(),
        Payload = answer => new(answer.Rows),
    };
}
