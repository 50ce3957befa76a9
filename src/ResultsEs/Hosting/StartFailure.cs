using Microsoft.AspNetCore.Connections;

namespace ResultsEs.Hosting;

/// <summary>The text for a start that failed: what is wrong with the surroundings, a line without a stack.</summary>
internal static class StartFailure
{
    /// <summary>The text; null for what is a defect of the service, whose stack is needed, and for a host that a tool aborts.</summary>
    public static string? Explain(Exception exception) => exception switch
    {
        StartupException => exception.Message,
        HostAbortedException or NullReferenceException or InvalidCastException or IndexOutOfRangeException or TypeLoadException
            or MissingMemberException => null,
        OptionsValidationException options => string.Join(Environment.NewLine, options.Failures),
        AggregateException or TypeInitializationException or TargetInvocationException when exception.InnerException is { } inner =>
            Explain(inner),
        IOException { InnerException: AddressInUseException } =>
            $"The service cannot start: {Line(exception)} "
                + "Stop what listens there, or choose another address by ASPNETCORE_URLS or Management__Url.",
        _ => $"The service cannot start: {Line(exception)}",
    };

    // Some messages of the framework have several lines of advice.
    private static string Line(Exception exception) =>
        string.Join(' ', exception.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
