using ResultsEs.EventStore;

namespace ResultsEs.Sessions;

/// <summary>Sessions' part of the event store.</summary>
internal static class SessionsSetup
{
    /// <summary>Adds the sessions' documents and the projection that makes them.</summary>
    public static WebApplicationBuilder AddSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddDocuments(SessionResultTable.Documents);
        return builder;
    }
}
