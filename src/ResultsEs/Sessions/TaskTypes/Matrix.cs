[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.MatrixJson>]

namespace ResultsEs.Sessions.TaskTypes;

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

[JsonSerializable(typeof(MatrixPayload))]
internal sealed partial class MatrixJson : JsonSerializerContext;

internal static class Matrix
{
    public static TaskType TaskType { get; } = new TaskType<MatrixAnswer, MatrixPayload>
    {
        V3Type = "MATRIX",
        V3Key = "matrix",
        Validator = new MatrixAnswerValidator(),
        Payload = answer => new(answer.Rows),
    };
}
